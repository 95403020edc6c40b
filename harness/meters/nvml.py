"""NVIDIA's GPUs, read through NVML: what they are, and what they use up.

Functions: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html. NVML needs no privilege, and works in
containers that are given the ``utility`` capability, where it lists only the devices that the container has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.search_types import Reading

NO_DRIVER = "no NVIDIA driver"

_NO_DEVICE = "the NVIDIA driver lists no GPU"
_NO_INSTANCE = "the GPU is cut into instances (MIG) and has none; make some: sudo nvidia-smi mig -cgi … -C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU as NVML describes it; ``compute_capability`` is CUDA's, major and minor, None where it isn't told.

    Where a GPU is cut into instances (MIG), each of them stands for one, with a UUID of its own (``MIG-…``).

    Every reading is unknown, with the reason, where device or driver doesn't support it.
    """

    index: int
    uuid: str
    name: str
    driver: str
    compute_capability: tuple[int, int] | None
    instance: int | None = None
    """Which instance (MIG) of the GPU at ``index`` it is; None for a whole one."""
    library: Any = field(repr=False, compare=False)
    handle: Any = field(repr=False, compare=False)

    @property
    def place(self) -> str:
        """Where it is, as ``nvidia-smi`` counts: ``0``, or ``0:1`` for an instance."""
        return str(self.index) if self.instance is None else f"{self.index}:{self.instance}"

    @property
    def facts(self) -> dict[str, Any]:
        """What a record says of the device."""
        capability = self.compute_capability
        return {
            "device_uuid": self.uuid,
            "device_name": self.name,
            "driver": self.driver,
            "compute_capability": None if capability is None else ".".join(map(str, capability)),
        }

    def energy_j(self) -> Reading:
        """Return joules since the driver was loaded (Volta and newer).

        The counter moves every 0.02 to 0.1 s, so that differences are worth something from a second on.
        """
        if self.instance is not None:
            return Reading.unknown(f"{self.name} is an instance (MIG), and the energy counter is the whole GPU's")
        library = self.library
        return self._read("energy counter", lambda: library.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3)

    def power_w(self) -> Reading:
        """Return watts: now, or averaged over the last second, as the device does it."""
        if self.instance is not None:
            return Reading.unknown(f"{self.name} is an instance (MIG), and the power is the whole GPU's")
        return self._read("power", lambda: self.library.nvmlDeviceGetPowerUsage(self.handle) / 1e3)

    def used_memory_bytes(self) -> Reading:
        """Return bytes in use by whatever runs on the device, the driver's own included."""
        return self._read("memory", lambda: float(self.library.nvmlDeviceGetMemoryInfo(self.handle).used))

    def memory_bytes(self) -> Reading:
        """Return the bytes of memory that the device has."""
        return self._read("memory", lambda: float(self.library.nvmlDeviceGetMemoryInfo(self.handle).total))

    def utilisation(self) -> Reading:
        """Return the share of the last moments (up to a second) in which a kernel ran, 0 to 1."""
        return self._read("utilisation", lambda: self.library.nvmlDeviceGetUtilizationRates(self.handle).gpu / 100)

    def _read(self, what: str, call: Callable[[], float]) -> Reading:
        try:
            return Reading(value=call())
        except self.library.NVMLError as error:
            return Reading.unknown(f"{self.name}: no {what} ({str(error).lower()})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The GPUs that this process can read, and why there are none where there are none."""

    gpus: tuple[Gpu, ...] = ()
    reason: str | None = None


def find() -> Found:
    """Return every GPU of this machine, or of this container; NVML stays open until the process ends."""
    # Only here: the binding takes some hundredths of a second to import, and most machines have no GPU.
    import pynvml  # noqa: PLC0415 - see above

    return find_through(pynvml)


def find_through(library: Any) -> Found:
    """Return the GPUs that ``library`` lists: NVIDIA's binding, or what has its interface."""
    try:
        library.nvmlInit()
        driver = library.nvmlSystemGetDriverVersion()
        number = library.nvmlDeviceGetCount()
        gpus = tuple(gpu for index in range(number) for gpu in _gpus(library, index, driver))
    except library.NVMLError as error:
        return Found(reason=_explained(library, error))
    if gpus:
        return Found(gpus=gpus)
    return Found(reason=_NO_INSTANCE if number else _NO_DEVICE)


def visible(environ: Mapping[str, str]) -> Gpu | Reading:
    """Return the GPU that a process with this environment trains on, or the reason why it can't be told which."""
    names = environ.get("CUDA_VISIBLE_DEVICES")
    # Of several the first is trained on.
    first = None if names is None else names.split(",")[0].strip()
    return choose(find(), first, by_bus=environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID")


def choose(found: Found, asked: str | None, *, by_bus: bool) -> Gpu | Reading:
    """Return the one GPU that ``asked`` names, or the reason why it can't be told which that is.

    Args:
        found: What there is.
        asked: A UUID or its beginning, or an index, as in ``CUDA_VISIBLE_DEVICES``; None: whatever there is.
        by_bus: Whether an index counts as NVML does, in the order of the bus. CUDA by default puts the fastest first.
    """
    if not found.gpus:
        return Reading.unknown(str(found.reason))
    if asked is None:
        return found.gpus[0] if len(found.gpus) == 1 else Reading.unknown(_which(found.gpus))
    if not asked:
        return Reading.unknown("CUDA_VISIBLE_DEVICES hides every GPU")
    named = [gpu for gpu in found.gpus if gpu.uuid.startswith(asked)]
    if asked.isdecimal() and (by_bus or len(found.gpus) == 1):
        named = [gpu for gpu in found.gpus if gpu.place == asked]
    if len(named) == 1:
        return named[0]
    return Reading.unknown(f"which GPU {asked!r} is can't be told; name one by its UUID")


def _gpus(library: Any, index: int, driver: str) -> Iterator[Gpu]:
    """Yield the GPU at ``index``, or its instances where it is cut: nothing can be run on the whole then."""
    handle = library.nvmlDeviceGetHandleByIndex(index)
    if not _is_cut(library, handle):
        yield _gpu(library, handle, driver, index=index, whole=handle)
        return
    for number in range(library.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instance = library.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except library.NVMLError_NotFound:
            continue
        yield _gpu(library, instance, driver, index=index, instance=number, whole=handle)


def _gpu(library: Any, handle: Any, driver: str, *, index: int, whole: Any, instance: int | None = None) -> Gpu:
    return Gpu(
        index=index,
        uuid=library.nvmlDeviceGetUUID(handle),
        name=library.nvmlDeviceGetName(handle),
        driver=driver,
        compute_capability=_capability(library, whole),
        instance=instance,
        library=library,
        handle=handle,
    )


def _capability(library: Any, handle: Any) -> tuple[int, int] | None:
    try:
        major, minor = library.nvmlDeviceGetCudaComputeCapability(handle)
    except library.NVMLError:
        return None
    return major, minor


def _is_cut(library: Any, handle: Any) -> bool:
    try:
        current, _ = library.nvmlDeviceGetMigMode(handle)
    except library.NVMLError:
        # Devices that can't be cut say that they don't know the question.
        return False
    return bool(current == library.NVML_DEVICE_MIG_ENABLE)


def _explained(library: Any, error: Exception) -> str:
    if isinstance(error, (library.NVMLError_LibraryNotFound, library.NVMLError_DriverNotLoaded)):
        return NO_DRIVER
    if isinstance(error, library.NVMLError_LibRmVersionMismatch):
        return "the NVIDIA driver was updated since it was loaded; restart the machine"
    return f"the NVIDIA driver doesn't answer ({str(error).lower()})"


def _which(gpus: Sequence[Gpu]) -> str:
    return f"{len(gpus)} GPUs, and nothing says which one; name it by its UUID in CUDA_VISIBLE_DEVICES"
