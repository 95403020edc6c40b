"""What extensions promise, as tests that their authors run: derive from a contract in a test file of your own.

They have the tests of a class that pytest collects, and need nothing of pytest.
"""

from harness.testing.data_contract import DataContract
from harness.testing.executor_contract import ExecutorContract
from harness.testing.meter_contract import MeterContract
from harness.testing.metric_contract import MetricContract
from harness.testing.model_contract import ModelContract
from harness.testing.tuner_contract import EPOCHS, SPACE, TunerContract, searched

__all__ = [
    "EPOCHS",
    "SPACE",
    "DataContract",
    "ExecutorContract",
    "MeterContract",
    "MetricContract",
    "ModelContract",
    "TunerContract",
    "searched",
]
