from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import exit_codes, streams
from harness.errors import DatasetError, MatrixError, UserError

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8")
NASTY = "\x1b[2J\u202egnp\nx"


def written(text: str, encoding: str) -> bytes:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    streams.say(text, stream)
    return raw.getvalue()


def apart(*arguments: str, encoding: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, **more}
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(command, capture_output=True, check=False, env=environment)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", b"0.5 +- 0.1 - gr\\xf6\\xdfe <= inf ... \\u65e5\n"),
        ("latin-1", b"0.5 \xb1 0.1 \xb7 gr\xf6\xdfe <= inf ... \\u65e5\n"),
        ("cp1252", b"0.5 \xb1 0.1 \xb7 gr\xf6\xdfe <= inf \x85 \\u65e5\n"),
        ("utf-8", "0.5 ± 0.1 · größe ≤ ∞ … 日\n".encode()),
    ],
)
def test_what_an_encoding_lacks_is_spelt_in_ascii(encoding: str, said: bytes) -> None:
    assert written("0.5 ± 0.1 · größe ≤ ∞ … 日", encoding) == said


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_line_stays_one_and_does_nothing_to_a_terminal(encoding: str) -> None:
    assert written(NASTY, encoding) == b"\\x1b[2J\\u202egnp\\nx\n"


# A process for two of them: what each encoding lacks is shown above, in this process.
@pytest.mark.seconds
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_no_encoding_is_an_error(line: CommandLine, encoding: str) -> None:
    answer = apart("plan", str(line.matrix), *line.places, encoding=encoding)

    assert (answer.returncode, answer.stderr) == (0, b"")
    said = answer.stdout.decode(encoding)
    assert ("größe 1: 3 cells" if encoding != "ascii" else "gr\\xf6\\xdfe 1: 3 cells") in said


@pytest.mark.seconds
def test_ascii_is_told_of_help_and_mistakes_in_ascii(line: CommandLine) -> None:
    asked, mistaken = apart("--help", encoding="ascii"), apart("größe", encoding="ascii")
    nowhere = apart("plan", str(line.folder / "weg.toml"), encoding="ascii", HARNESS_CACHE="ä")

    assert (asked.returncode, mistaken.returncode, nowhere.returncode) == (0, 2, 2)
    for answer in (asked, mistaken, nowhere):
        (answer.stdout + answer.stderr).decode("ascii")
    assert b"data sets x backbones" in asked.stdout


@pytest.mark.seconds
def test_a_locale_without_utf_8_is_no_error_either(line: CommandLine) -> None:
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain = line.matrix.rename(line.folder / "plain.toml")
    command = [sys.executable, "-m", "harness", "plan", str(plain), *line.places]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}

    answer = subprocess.run(command, capture_output=True, check=False, env={**kept, **environment})

    assert answer.returncode == 0
    assert "digits - EfficientNetLite0" in answer.stdout.decode("ascii")


@pytest.mark.parametrize(
    "error",
    [UserError(NASTY), DatasetError(NASTY), MatrixError(NASTY), OSError(28, "No space left on device", NASTY)],
)
def test_errors_of_every_kind_are_a_printable_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> int:
        raise error

    assert exit_codes.code_of(failing) in {2, 4}
    said = capsys.readouterr().err
    assert r"\x1b[2J\u202egnp\nx" in said
    assert said.removesuffix("\n").isprintable()


def test_even_a_bug_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> int:
        raise RuntimeError(NASTY)

    assert exit_codes.code_of(failing) == 70
    assert all(each.isprintable() for each in capsys.readouterr().err.splitlines())


@pytest.mark.parametrize(
    "arguments", [[NASTY], [f"--{NASTY}"], ["run", "m.toml", "--gpu"], ["plan", "m", "--at-once", NASTY]]
)
def test_arguments_that_are_wrong_are_told_printably(line: CommandLine, arguments: list[str]) -> None:
    answer = line.call(*arguments)

    assert answer.code == 2
    assert all(each.isprintable() for each in answer.err.splitlines())


def test_json_is_ascii_and_its_names_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    streams.document({"größe": NASTY})

    said = capsys.readouterr().out
    assert said.isascii()
    assert "\x1b" not in said
    assert json.loads(said) == {"größe": NASTY}


def test_nothing_of_the_edge_writes_past_what_cleans() -> None:
    edge = Path(streams.__file__).parent
    allowed = {"streams.py", "printing.py", "progress_bars.py", "exit_codes.py", "helping.py"}
    # A program of its own, which make runs before anything is installed.
    allowed |= {"nvidia_smi.py"}
    past = ("stdout.write", "stderr.write", " print(", "click.echo", "Console(")

    def writes(path: Path) -> list[str]:
        return [line for line in path.read_text("utf-8").splitlines() if any(each in line for each in past)]

    assert {
        path.name: found for path in edge.rglob("*.py") if path.name not in allowed and (found := writes(path))
    } == {}


class FakeClosed(io.StringIO):
    """A stream that a test keeps: it has no encoding."""

    encoding: Any = None


def test_a_stream_without_an_encoding_takes_everything() -> None:
    stream = FakeClosed()

    streams.say("größe", stream)

    assert stream.getvalue() == "größe\n"
