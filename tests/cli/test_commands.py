from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import jsonschema
import pytest
from click.testing import CliRunner

from harness import __version__
from harness.cli.commands import harness

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

COMMANDS = sorted(harness.commands)
HEAVY = ("numpy", "tensorflow", "keras", "keras_tuner", "optuna", "pydantic", "scipy", "rich", "PIL", "sklearn")
CALL = """\
import sys
from harness.cli import main
try:
    main()
except SystemExit as end:
    print(end.code, sorted(set(sys.modules) & set({heavy!r})), file=sys.stderr)
"""


def run_apart(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own, which ends by saying its exit code and what it imported."""
    command = [sys.executable, "-c", CALL.format(heavy=HEAVY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["plan", "-h"], ["--nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    answer = run_apart(*arguments)

    code = 2 if arguments == ["--nonsense"] else 0
    assert answer.stderr.splitlines()[-1] == f"{code} []"


@pytest.mark.seconds
def test_reading_a_matrix_imports_no_trainer(line: CommandLine) -> None:
    answer = run_apart("plan", str(line.matrix), *line.places)

    assert answer.stderr.splitlines()[-1] == "0 ['pydantic', 'rich']"


def test_help_names_every_command() -> None:
    said = CliRunner().invoke(harness, ["--help"]).output

    assert COMMANDS == [
        "best",
        "cache",
        "compare",
        "doctor",
        "drift",
        "export",
        "images",
        "import",
        "init",
        "plan",
        "record",
        "replay",
        "run",
        "schema",
        "show",
        "tables",
    ]
    assert all(f"\n  {name} " in said for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    result = CliRunner().invoke(harness, [name, "--help"])

    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: harness {name}")
    for option in harness.commands[name].params:
        assert option.opts[-1] in result.output or option.human_readable_name.upper() in result.output
        assert isinstance(option, click.Argument) or getattr(option, "help", None)


def test_the_version_is_printed() -> None:
    assert __version__ in CliRunner().invoke(harness, ["--version"]).output


def test_the_schema_is_valid_json_schema(line: CommandLine) -> None:
    answer = line.call("schema")

    assert answer.code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(answer.out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "Missing argument 'MATRIX'"),
        (["nonsense"], "No such command 'nonsense'"),
        (["plan", "m.toml", "--nonsense"], "--nonsense"),
        (["show"], "Missing argument 'CELL'"),
    ],
)
def test_a_wrong_command_is_the_users_mistake(line: CommandLine, arguments: list[str], said: str) -> None:
    answer = line.call(*arguments)

    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("call", [["harness"], [sys.executable, "-m", "harness"]])
def test_the_program_and_the_module_are_one(call: list[str]) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    answer = subprocess.run([*call, "--version"], capture_output=True, text=True, check=True, env=environment)

    assert __version__ in answer.stdout


@pytest.mark.seconds
@pytest.mark.parametrize("command", ["schema", "plan"])
def test_output_that_nobody_reads_on_is_no_traceback(line: CommandLine, command: str) -> None:
    more = [] if command == "schema" else [str(line.matrix), *line.places, "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", command, *more],
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.seconds
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_traceback_and_no_file_takes_their_place(line: CommandLine, closed: str) -> None:
    call = shlex.join([sys.executable, "-m", "harness", "plan", str(line.matrix), *line.places])

    ended = subprocess.run(["/bin/sh", "-c", f"{call} {closed}"], capture_output=True, check=False, text=True)

    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)


def test_a_bug_is_not_hidden(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("harness.matrix.load", broken)

    answer = line.run()

    assert answer.code == 70
    assert "ZeroDivisionError" in answer.err


def completed(shell: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CALL.format(heavy=HEAVY)]
    environment = {**os.environ, "_HARNESS_COMPLETE": shell, **more}
    return subprocess.run(
        [*command[:2], command[2].replace("import sys\n", "import sys\nsys.argv[0] = 'harness'\n")],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str) -> None:
    answer = completed(f"{shell}_source")

    assert answer.stderr.splitlines()[-1] == "0 []"
    assert "_HARNESS_COMPLETE" in answer.stdout


def test_commands_and_options_are_completed() -> None:
    commands = completed("bash_complete", COMP_WORDS="harness p", COMP_CWORD="1")
    options = completed("bash_complete", COMP_WORDS="harness run --max", COMP_CWORD="2")

    assert commands.stdout.split() == ["plain,plan"]
    assert options.stdout.split() == ["plain,--max-hours", "plain,--max-cost"]


@pytest.mark.parametrize("option", ["--results", "--cache", "--prices"])
def test_an_empty_path_is_not_the_current_folder(line: CommandLine, option: str) -> None:
    answer = line.call("plan", str(line.matrix), *line.places, option, "")

    assert (answer.code, answer.out) == (2, "")
    assert f"Invalid value for '{option}': path = '': an empty path; give another, or leave it out." in answer.err


def test_a_quoted_home_is_the_home(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(line.folder))

    answer = line.call("plan", f"~/{line.matrix.name}", "--results", "~/r", "--cache", "~/c")

    assert answer.code == 0
    assert (line.folder / "c").is_dir()
