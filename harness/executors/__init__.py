"""What runs a worker: the same contract and the same record wherever that is."""

from harness.executors.contract import OWN_SIGNALS, Cause, Ended, Executor, Running
from harness.executors.local import LocalExecutor
from harness.executors.slots import WHOLE, Slot

__all__ = ["OWN_SIGNALS", "WHOLE", "Cause", "Ended", "Executor", "LocalExecutor", "Running", "Slot"]
