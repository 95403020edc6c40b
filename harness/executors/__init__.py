"""What runs a worker: the same contract and the same record wherever that is."""

from harness.executors.contract import OWN_SIGNALS, SETTINGS, Cause, Devices, Ended, Executor, Running
from harness.executors.local import LocalExecutor
from harness.executors.slots import WHOLE, Slot

__all__ = [
    "OWN_SIGNALS",
    "SETTINGS",
    "WHOLE",
    "Cause",
    "Devices",
    "Ended",
    "Executor",
    "LocalExecutor",
    "Running",
    "Slot",
]
