"""What runs a worker: the same contract and the same record wherever that is."""

from harness.executors.local import LocalExecutor
from harness.executors.running import Ended, Executor, Running

__all__ = ["Ended", "Executor", "LocalExecutor", "Running"]
