"""The container engine, through docker's command line: it alone builds with BuildKit."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from harness.errors import EngineError

_ABSENT = "no such image"
# Reading every file of an image takes a slow disk minutes.
_PATIENCE_S = 600
_SILENT = ("cannot connect to the docker daemon", "error during connect", "failed to connect to the docker api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An image that this host has, as the engine describes it."""

    id: str
    labels: dict[str, str]
    user: str
    layers: tuple[str, ...]
    size_bytes: int
    repo_digests: tuple[str, ...] = ()
    """Where registries have it, each ``name@sha256:…``."""
    tags: tuple[str, ...] = ()
    created: str = ""
    """When it was made: date and time as RFC 3339 has them."""


def inspect(reference: str) -> Inspected | None:
    """Return the image of this host with that name or id; None where there is none.

    Raises:
        EngineError: No engine answers.
    """
    answer = _run(["image", "inspect", reference])
    if answer.returncode != 0 and _ABSENT in answer.stderr.lower():
        return None
    described: dict[str, Any] = json.loads(_text(answer))[0]
    config = described["Config"]
    return Inspected(
        id=described["Id"],
        labels=config.get("Labels") or {},
        user=config.get("User") or "",
        layers=tuple(described["RootFS"]["Layers"]),
        size_bytes=described["Size"],
        repo_digests=tuple(described.get("RepoDigests") or ()),
        tags=tuple(described.get("RepoTags") or ()),
        created=described.get("Created") or "",
    )


def run_inside(image: str, program: Iterable[str], *, given: str, devices: Iterable[str] = ()) -> str:
    """Return what a program prints in a container that can reach and change nothing; ``given`` is its input.

    ``devices`` are the client's options for what of the host's devices it is given.

    Raises:
        EngineError: No engine answers, or the program fails.
    """
    hardened = ["--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108 - inside
    options = ["--rm", "--interactive", "--security-opt", "no-new-privileges", *hardened]
    return _text(_run(["run", *options, *devices, image, *program], given=given))


def build(arguments: Iterable[str]) -> None:
    """Build an image, by BuildKit where the client has it; progress goes to standard error.

    Raises:
        EngineError: No engine answers, or the build fails.
    """
    # The classic builder would leave the container of a step that failed.
    command = ["buildx", "build", "--load"] if _has_buildx() else ["build", "--force-rm"]
    # The engine's own words go to whoever waits: a build takes minutes. Standard output is the command's answer.
    answer = _run([*command, *arguments], follow=True)
    if answer.returncode != 0:
        raise EngineError("docker build failed; its last lines above say why")


def keeps_stages() -> bool:
    """Whether builds leave their stages as images without a name, which is all that the classic builder caches."""
    return not _has_buildx()


def remove_unnamed(image: str) -> None:
    """Remove an image that has no name any more; one that a container or another image needs stays."""
    found = inspect(image)
    if found is not None and not found.tags and not found.repo_digests:
        _run(["image", "rm", image])


def pull(reference: str) -> None:
    """Fetch an image from its registry; progress goes to standard error.

    Raises:
        EngineError: No engine answers, or the registry can't be reached or hasn't it.
    """
    if _run(["pull", reference], follow=True).returncode != 0:
        raise EngineError("docker pull failed; its last lines above say why")


def push(reference: str) -> None:
    """Send an image to its registry; progress goes to standard error.

    Raises:
        EngineError: No engine answers, or the registry can't be reached or refuses.
    """
    if _run(["push", reference], follow=True).returncode != 0:
        raise EngineError("docker push failed; its last lines above say why")


def tag(image: str, reference: str) -> None:
    """Give an image one more name.

    Raises:
        EngineError: No engine answers, or it has no such image.
    """
    _text(_run(["tag", image, reference]))


def save(reference: str, keep: Callable[[IO[bytes]], str]) -> str:
    """Return what ``keep`` says of an image's archive, which it reads to its end.

    Raises:
        EngineError: No engine answers, or it can't read the image.
    """
    with subprocess.Popen([_client(), "save", reference], stdout=subprocess.PIPE) as running:
        kept = keep(cast("IO[bytes]", running.stdout))
    if running.returncode != 0:
        raise EngineError("docker save failed; its last lines above say why")
    return kept


def load(write: Callable[[IO[bytes]], None]) -> None:
    """Take in what ``write`` writes: an archive of an image.

    Raises:
        EngineError: No engine answers, or it refuses the image.
    """
    with (
        subprocess.Popen([_client(), "load", "--quiet"], stdin=subprocess.PIPE, stdout=2) as running,
        # Where the client has ended early, it has said why.
        suppress(BrokenPipeError),
        cast("IO[bytes]", running.stdin) as pipe,
    ):
        write(pipe)
    if running.returncode != 0:
        raise EngineError("docker load failed; its last lines above say why")


def network() -> str:
    """Return the network that a build can fetch packages through: the host's, where the engine has no bridge."""
    bridges = _text(_run(["network", "ls", "--filter", "driver=bridge", "--quiet"]))
    return "default" if bridges.strip() else "host"


def _has_buildx() -> bool:
    return _run(["buildx", "version"]).returncode == 0


def _run(arguments: list[str], *, given: str | None = None, follow: bool = False) -> subprocess.CompletedProcess[str]:
    """Call the client; ``follow`` shows what it prints on standard error, for as long as it takes."""
    output = 2 if follow else subprocess.PIPE
    errors = None if follow else subprocess.PIPE
    command = [_client(), *arguments]
    limit_s = None if follow else _PATIENCE_S
    try:
        return subprocess.run(
            command,
            input=given,
            stdout=output,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"docker {arguments[0]} gave no answer in {_PATIENCE_S} s; restart the engine") from error


def _client() -> str:
    client = shutil.which("docker")
    if client is None:
        raise EngineError("no docker client on PATH; install docker, or run with --executor local")
    return client


def _text(answer: subprocess.CompletedProcess[str]) -> str:
    """Return what a call printed; raise what went wrong."""
    if answer.returncode == 0:
        return answer.stdout
    said = " ".join(answer.stderr.split())
    if any(words in said.lower() for words in _SILENT):
        raise EngineError(f"no container engine answers ({said}); start docker, or docker/test-engine.sh start")
    raise EngineError(f"docker {answer.args[1]} failed: {said[-500:] or f'exit code {answer.returncode}'}")
