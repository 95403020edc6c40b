"""An executor of the user's own: the documented one keeps the contract, and what others do wrong is said."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.executors import WHOLE, Devices, Ended, Executor, Running, own_executor
from harness.executors.own_executor import OwnExecutor
from harness.extensions import EXECUTOR, finding
from harness.testing import ExecutorContract

GUIDE = Path(__file__).parents[2] / "docs" / "add-an-executor.md"
DOCUMENTED, TEST = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
STARTS = "class Own:\n    def start(self, program, folder, *, cache, log, slot): return self\n"


def made(path: Path, text: str) -> OwnExecutor:
    file = path / "our executor.py"
    file.write_text(text, "utf-8")
    return own_executor.create(finding.find(EXECUTOR, str(file), base=path), path / "results")


@pytest.mark.seconds
class TestTheDocumentedExecutor(ExecutorContract):
    def create(self, campaign: Path) -> Executor:
        campaign.mkdir(parents=True, exist_ok=True)
        return made(campaign, DOCUMENTED)


@pytest.mark.seconds
def test_the_documented_test_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nice.py").write_text(DOCUMENTED, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, type[ExecutorContract]] = {}

    exec(compile(TEST, "test_nice.py", "exec"), names)  # noqa: S102 - what the page shows

    names["TestNice"]().test_a_worker_does_its_program_and_leaves_its_outcome()
    del sys.modules["nice"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def create(campaign): raise OSError('no\\nqueue')", "create failed (no queue); mend it, or take local"),
        ("def create(): ...", "create failed (create() takes 0 positional arguments but 1 was given)"),
        ("def create(campaign): return None", "what create returns has no start; docs/add-an-executor.md shows one"),
    ],
)
def test_what_is_no_executor_is_refused_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as raised:
        made(tmp_path, text)

    assert str(raised.value).startswith(f"--executor our executor.py: {said}")
    assert "\n" not in str(raised.value)


def test_what_it_says_of_an_end_is_an_end_or_refused(tmp_path: Path) -> None:
    executor = made(tmp_path, f"{STARTS}    def wait(self, timeout_s): return 0\ndef create(campaign): return Own()")
    running = executor.start("search", tmp_path, cache=tmp_path, log=tmp_path / "log", slot=WHOLE)

    with pytest.raises(UserError, match=r"our executor\.py: said of a worker's end int, no Ended"):
        running.wait(1.0)


def test_an_end_says_by_which_executor(tmp_path: Path) -> None:
    text = f"""\
from harness.executors import Devices, Ended
{STARTS}
    devices = Devices.OF_HOST
    closed = False
    def wait(self, timeout_s): return Ended(exit_code=0, signal=None, wall_s=1.0, evidence={{"node": "n1"}})
    stop = lambda self: self.wait(0)
    def close(self): Own.closed = True
def create(campaign): return Own()
"""
    executor = made(tmp_path, text)
    running: Running = executor.start("search", tmp_path, cache=tmp_path, log=tmp_path / "log", slot=WHOLE)

    for ended in (running.wait(1.0), running.stop()):
        assert isinstance(ended, Ended)
        assert ended.evidence["node"] == "n1"
        assert ended.evidence["executor"] == {"name": "our executor.py", "sha256": executor.sha256}
    assert executor.devices is Devices.OF_HOST
    executor.close()
    assert getattr(executor.made, "closed")  # noqa: B009 - the user's own class


def test_what_it_does_not_say_is_the_least_that_can_be_supposed(tmp_path: Path) -> None:
    executor = made(tmp_path, f"{STARTS}\ndef create(campaign): return Own()")

    assert executor.devices is Devices.ELSEWHERE
    executor.close()
