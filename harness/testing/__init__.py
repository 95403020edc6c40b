"""What extensions promise, as tests that their authors run: derive from a contract in a test file of your own.

They have the tests of a class that pytest collects, and need nothing of pytest.
"""

from harness.testing.data import DataContract
from harness.testing.executor import ExecutorContract
from harness.testing.meter import MeterContract
from harness.testing.metric import MetricContract
from harness.testing.model import ModelContract
from harness.testing.tuner import EPOCHS, SPACE, TunerContract, searched

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
