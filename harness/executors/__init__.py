"""What runs a worker: the same contract and the same record wherever that is."""

from harness.executors.local import LocalExecutor
from harness.executors.running import OWN_SIGNALS, Cause, Ended, Executor, Running

__all__ = ["OWN_SIGNALS", "Cause", "Ended", "Executor", "LocalExecutor", "Running"]
