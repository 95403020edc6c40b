from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from harness import files, stored_file_validation
from harness.cells import SCHEMA_VERSION, Cell
from harness.errors import ResultsError
from harness.records import CellFolder, Record
from harness.search_types import Epoch, Outcome, Trial

GOLDEN = Path(__file__).parent / "golden"
EPOCH = Epoch(epoch=1, val_score=0.1 + 0.2, loss=1.5, train_s=0.25, evaluate_s=0.125)
TRIAL = Trial(
    number=0,
    parameters={"learning_rate": 1e-3, "batch_size": 32, "optimizer": "adam"},
    first_epoch=1,
    last_epoch=3,
    parent=None,
    outcome=Outcome.COMPLETED,
    epochs=(EPOCH, replace(EPOCH, epoch=2, test_score=0.0)),
    phases={"ask": 0.1, "train": 0.5},
    charged_epochs=2,
)


@pytest.fixture
def folder(tmp_path: Path) -> CellFolder:
    path = tmp_path / "results" / "ä cell"
    path.mkdir(parents=True)
    return CellFolder(path)


def record(cell: Cell, **changes: Any) -> Record:
    unknown = {"value": None, "reason": "no counter"}
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "cell": cell.model_dump(mode="json"),
        "status": "completed",
        "ended": "exhausted",
        "reason": None,
        "started_at": "2026-01-01T00:00:00+00:00",
        "attempts": 1,
        "trials": 1,
        "wall_s": 1.0,
        "setup_phases": {"startup": 1.0},
        "closing_phases": {},
        "peak_memory_bytes": unknown,
        "energy": unknown,
        "device_peak_memory_bytes": unknown,
        "data": {},
        "model": {},
        "environment": {},
        "evidence": {},
    }
    return stored_file_validation.checked(files.readable_json({**fields, **changes}), Record, where="a record")


def test_trials_come_back_as_they_were_to_the_last_bit(folder: CellFolder) -> None:
    second = replace(TRIAL, number=1, outcome=Outcome.DIVERGED, epochs=(), reason="the loss became nan")

    folder.append(TRIAL)
    folder.append(second)

    assert folder.trials() == [TRIAL, second]


def test_a_trials_line_holds_what_readers_of_the_file_rely_on(folder: CellFolder) -> None:
    folder.append(TRIAL)

    line = json.loads((folder.path / "trials.jsonl").read_text("utf-8"))

    assert {"number", "parameters", "first_epoch", "last_epoch", "parent", "outcome", "epochs", "phases"} <= set(line)
    assert {"epoch", "val_score", "loss", "train_s", "evaluate_s"} <= set(line["epochs"][0])


def test_no_trials_is_an_empty_list(folder: CellFolder) -> None:
    assert folder.trials() == []


@pytest.mark.parametrize("kept", [1, 10, 100])
def test_a_line_torn_by_a_kill_is_cut_off_and_the_others_stay(folder: CellFolder, kept: int) -> None:
    folder.append(TRIAL)
    path = folder.path / "trials.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:kept])

    assert folder.trials() == [TRIAL]
    folder.mend()
    folder.append(replace(TRIAL, number=1))

    assert [trial.number for trial in folder.trials()] == [0, 1]


@pytest.mark.parametrize("line", [b"\0", b"\x89PNG", b"not json", b"[]", b"3", b'{"number": 0}', b'{"epochs": 1}', b""])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_damaged_trial_is_one_line_that_names_file_and_line_and_the_way_out(
    folder: CellFolder, line: bytes, number: int
) -> None:
    for count in range(3):
        folder.append(replace(TRIAL, number=count))
    path = folder.path / "trials.jsonl"
    lines = path.read_bytes().splitlines()
    lines[number - 1] = line
    path.write_bytes(b"\n".join([*lines, b""]))

    with pytest.raises(ResultsError) as caught:
        folder.trials()

    assert str(caught.value).startswith(f"{path}: line {number} can't be read (")
    assert str(caught.value).endswith("); move its folder away and run the matrix again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", [b"\0\xff", b"{", b"[]"])
def test_a_damaged_attempt_is_told_and_another_can_still_be_noted(folder: CellFolder, line: bytes) -> None:
    (folder.path / "attempts.jsonl").write_bytes(line + b"\n")

    assert folder.note_attempt({"program": "search"}) == 2
    with pytest.raises(ResultsError, match=r"attempts\.jsonl: line 1 can't be read \(.*move its folder away"):
        folder.attempts()


def test_nan_never_reaches_the_disk(folder: CellFolder) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.append(replace(TRIAL, epochs=(replace(EPOCH, loss=float("nan")),)))

    assert folder.trials() == []


def test_a_record_is_sealed_once(folder: CellFolder, cell: Cell) -> None:
    folder.seal(record(cell))

    with pytest.raises(ResultsError, match="never overwritten"):
        folder.seal(record(cell, wall_s=2.0))

    sealed = folder.record()
    assert sealed is not None
    assert asdict(sealed) == asdict(record(cell))


def test_no_record_is_none(folder: CellFolder) -> None:
    assert folder.record() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": 1}'])
def test_a_damaged_record_is_one_line_that_names_the_file(folder: CellFolder, text: str) -> None:
    (folder.path / "record.json").write_text(text)

    with pytest.raises(ResultsError, match=r"record\.json: .*run the matrix again") as caught:
        folder.record()

    assert "\n" not in str(caught.value)


def test_a_record_of_a_newer_harness_is_refused(folder: CellFolder) -> None:
    (folder.path / "record.json").write_text('{"schema_version": 999}')

    with pytest.raises(ResultsError, match="schema version 999"):
        folder.record()


def test_a_retried_cell_keeps_what_it_had_before(folder: CellFolder, cell: Cell) -> None:
    folder.write_cell(cell)
    for status in ("first", "second"):
        folder.append(TRIAL)
        folder.seal(record(cell, reason=status))
        folder.set_aside()

    assert folder.record() is None
    assert folder.trials() == []
    assert folder.cell() == cell
    kept = [json.loads((folder.path / f"retried-{n}" / "record.json").read_text())["reason"] for n in (1, 2)]
    assert kept == ["first", "second"]


def test_an_attempt_is_set_aside_behind_the_last_that_is_kept(folder: CellFolder, cell: Cell) -> None:
    (folder.path / "retried-7").mkdir()
    folder.seal(record(cell))

    folder.set_aside()

    assert (folder.path / "retried-8" / "record.json").is_file()


def test_attempts_are_counted(folder: CellFolder) -> None:
    assert folder.attempts() == []
    assert [folder.note_attempt({"program": "search"}) for _ in range(2)] == [1, 2]


def test_the_first_schema_still_reads() -> None:
    golden = CellFolder(GOLDEN / "schema-1")

    found, trials = golden.record(), golden.trials()

    assert found is not None
    assert (found.status, found.trials, len(trials)) == ("completed", 3, 3)
    assert (found.schema_version, found.busyness.told) == (3, {"reason": "records of version 1 don't tell"})
    assert Cell.model_validate(found.cell.told) == golden.cell()
    assert trials[0].outcome is Outcome.COMPLETED
    assert not golden.cell().is_known_by_id
    assert (trials[0].epochs[1].val_score, trials[0].epochs[1].test_score) == (0.15410526315789475, 0.2498989898989899)


def test_the_second_schema_still_reads_and_its_cell_is_still_the_same_one() -> None:
    golden = CellFolder(GOLDEN / "schema-2")

    found, trials = golden.record(), golden.trials()

    assert found is not None
    assert (found.schema_version, found.status, found.trials, len(trials)) == (3, "completed", 20, 20)
    assert Cell.model_validate(found.cell.told) == golden.cell()
    assert golden.cell().is_known_by_id
    assert (golden.cell().id, golden.cell().tuner_seed) == ("0bdab826b5836923", 2014556367)
    assert [trial.outcome for trial in trials].count(Outcome.PRUNED) == 11
    assert trials[-1].outcome is Outcome.CUT
    assert (trials[0].epochs[0].val_score, trials[0].epochs[0].test_score) == (0.13420621091511373, 0.09451676320042506)
    assert sum(trial.charged_epochs for trial in trials) == 120
    assert found.busyness.told["others_share"] == {"value": 0.0, "reason": None}
    assert [attempt.program for attempt in golden.attempts()] == ["search"]


def test_the_third_schema_reads_as_it_was_written_and_its_cell_is_still_the_same_one() -> None:
    """A change that fails here makes every finished search of version 3 pending: it needs version 4, and an upgrade."""
    golden = CellFolder(GOLDEN / "schema-3")

    found, trials = golden.record(), golden.trials()

    assert found is not None
    assert (found.schema_version, found.status, found.trials, len(trials)) == (3, "completed", 20, 20)
    assert found.trials_sha256 == golden.trials_sha256
    assert Cell.model_validate(found.cell.told) == golden.cell()
    assert (golden.cell().id, golden.cell().tuner_seed) == ("d17802024b471bb5", 2014556367)
    assert [trial.outcome for trial in trials].count(Outcome.PRUNED) == 11
    assert trials[-1].outcome is Outcome.CUT
    assert (trials[0].epochs[0].val_score, trials[0].epochs[0].test_score) == (0.13420621091511373, 0.09451676320042506)
    assert sum(trial.charged_epochs for trial in trials) == 120
    assert [attempt.program for attempt in golden.attempts()] == ["search"]


def test_a_search_of_the_second_schema_is_finished_for_as_long_as_its_files_are_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "0bdab826b5836923"
    shutil.copytree(GOLDEN / "schema-2", path)

    assert (found := CellFolder(path).sealed()) is not None
    assert (found.record.status, len(found.trials), found.cell) == ("completed", 20, CellFolder(path).cell())
    with pytest.raises(ResultsError, match="of cell 0bdab826b5836923, in the folder of another"):
        CellFolder(path.rename(tmp_path / "another")).sealed()


def earlier(line: bytes) -> bytes:
    """A trial's line as version 2 wrote it, with its checksum."""
    named = line.replace(b'"val_score":', b'"val_f1":').replace(b'"test_score":', b'"test_f1":')
    return stored_file_validation.with_sum(re.sub(rb', "crc32": "[0-9a-f]{8}"}\n', b"}", named))


def test_a_search_that_an_earlier_harness_began_goes_on_with_nothing_lost(folder: CellFolder) -> None:
    path = folder.path / "trials.jsonl"
    folder.append(TRIAL)
    path.write_bytes(earlier(path.read_bytes()))
    begun = path.read_bytes()

    folder.append(replace(TRIAL, number=1))

    assert path.read_bytes().startswith(begun)
    assert folder.trials() == [TRIAL, replace(TRIAL, number=1)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"val_f1": 0.3', b'"val_f1": 0.4', "its checksum doesn't fit"),
        (b'"test_f1": 0.0', b'"test_score": 0.0, "test_f1": 0.0', "epochs.1.test_f1: unexpected"),
        (b'"val_f1": 0.3', b'"val_f1": 87.3', "epochs.0.val_f1: input should be from 0 to 1 (given: 87.3"),
    ],
)
def test_a_mistake_in_an_earlier_line_is_told_by_the_line_s_own_keys(
    folder: CellFolder, old: bytes, new: bytes, said: str
) -> None:
    path = folder.path / "trials.jsonl"
    folder.append(TRIAL)
    line = earlier(path.read_bytes())
    assert old in line
    damaged = line.replace(old, new, 1)
    path.write_bytes(damaged if "checksum" in said else re.sub(rb', "crc32": "[0-9a-f]{8}"', b"", damaged))

    with pytest.raises(ResultsError, match=r"trials\.jsonl: line 1 can't be read") as caught:
        folder.trials()

    assert said in str(caught.value)


def test_a_changed_digit_of_a_trial_or_a_record_is_noticed(folder: CellFolder, cell: Cell) -> None:
    folder.append(TRIAL)
    folder.seal(record(cell))

    for name, read in (("trials.jsonl", folder.trials), ("record.json", folder.record)):
        path = folder.path / name
        whole = path.read_bytes()
        for place in (index for index, byte in enumerate(whole) if chr(byte).isdigit()):
            digit = b"7" if whole[place : place + 1] != b"7" else b"3"
            path.write_bytes(whole[:place] + digit + whole[place + 1 :])
            with pytest.raises(ResultsError, match=rf"{name}: "):
                read()
        path.write_bytes(whole)
        assert read()


def test_a_record_holds_the_sum_of_its_trials(folder: CellFolder, cell: Cell) -> None:
    assert folder.trials_sha256 is None
    folder.append(TRIAL)

    folder.seal(record(cell, trials_sha256=folder.trials_sha256))

    found = folder.sealed()
    assert found is not None
    assert found.trials == [TRIAL]
    folder.append(replace(TRIAL, number=1))
    with pytest.raises(ResultsError, match=r"trials\.jsonl: not what the record was sealed with; move its folder away"):
        folder.sealed()


def test_without_a_record_nothing_is_sealed(folder: CellFolder) -> None:
    folder.append(TRIAL)

    assert folder.sealed() is None


def test_a_record_that_counts_other_trials_than_there_are_is_told(folder: CellFolder, cell: Cell) -> None:
    folder.append(TRIAL)
    folder.seal(record(cell, trials=2))

    with pytest.raises(ResultsError, match=r"trials\.jsonl: 1 trials, of which record\.json counts 2; move"):
        folder.sealed()


@pytest.fixture
def of_cell(tmp_path: Path, cell: Cell) -> CellFolder:
    """A finished search in the folder of its own cell."""
    path = tmp_path / "results" / cell.id
    path.mkdir(parents=True)
    found = CellFolder(path)
    found.write_cell(cell)
    found.append(TRIAL)
    found.seal(record(cell, trials_sha256=found.trials_sha256))
    return found


def test_a_finished_search_comes_with_its_cell(of_cell: CellFolder, cell: Cell) -> None:
    found = of_cell.sealed()

    assert found is not None
    assert found.cell == cell


def test_a_record_of_another_cell_is_none_of_this_one(of_cell: CellFolder, cell: Cell) -> None:
    of_cell.write_cell(cell.model_copy(update={"seed": cell.seed + 1}))

    with pytest.raises(ResultsError, match=r"record\.json: of another cell than cell\.json; move its folder away"):
        of_cell.sealed()


def test_all_files_of_a_cell_copied_into_another_s_folder_are_none_of_it(of_cell: CellFolder, cell: Cell) -> None:
    elsewhere = CellFolder(of_cell.path.rename(of_cell.path.with_name("f" * 16)))

    with pytest.raises(ResultsError, match=rf"cell\.json: of cell {cell.id}, in the folder of another; move"):
        elsewhere.sealed()


def test_a_cell_that_the_matrix_calls_otherwise_by_now_is_still_the_same(of_cell: CellFolder, cell: Cell) -> None:
    names = cell.names.model_copy(update={"tuner": "größer"})

    of_cell.rename(names)

    found = of_cell.sealed()
    assert found is not None
    assert found.cell == cell.model_copy(update={"names": names})
    assert found.record.cell.told["names"]["tuner"] == "random"


def test_a_cell_that_nobody_asked_for_has_no_name_to_change(folder: CellFolder, cell: Cell) -> None:
    folder.rename(cell.names)

    assert not list(folder.path.iterdir())


@pytest.mark.parametrize("kind", ["link", "loop", "folder"])
@pytest.mark.parametrize("name", ["record.json", "trials.jsonl", "attempts.jsonl"])
def test_a_file_that_is_none_of_its_own_is_named_and_not_followed(
    folder: CellFolder, tmp_path: Path, name: str, kind: str
) -> None:
    path = folder.path / name
    (tmp_path / "elsewhere").write_text("{}\n")
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere" if kind == "link" else path)

    read = {"record.json": folder.record, "trials.jsonl": folder.trials, "attempts.jsonl": folder.attempts}[name]
    with pytest.raises(ResultsError, match=rf"{name}: can't be read"):
        read()
    assert folder.fingerprint()


@pytest.mark.parametrize("name", ["record.json", "trials.jsonl"])
def test_brackets_without_end_are_no_traceback(folder: CellFolder, name: str) -> None:
    (folder.path / name).write_text("[" * 100_000 + "\n")

    with pytest.raises(ResultsError, match=name):
        (folder.record if name == "record.json" else folder.trials)()


def test_an_attempt_torn_by_a_kill_is_cut_off_and_the_others_stay(folder: CellFolder) -> None:
    folder.note_attempt({"program": "search"})
    path = folder.path / "attempts.jsonl"
    path.write_bytes(path.read_bytes() + b'{"program": "sea')

    assert [attempt.told for attempt in folder.attempts()] == [{"program": "search"}]
    assert folder.note_attempt({"program": "again"}) == 2
    assert [attempt.program for attempt in folder.attempts()] == ["search", "again"]


def test_a_fingerprint_changes_with_record_trials_and_attempts(folder: CellFolder) -> None:
    empty = folder.fingerprint()
    folder.append(TRIAL)
    trained = folder.fingerprint()
    (folder.path / "record.json").write_bytes(b"{}")
    sealed = folder.fingerprint()
    replaced = folder.path / "replaced"
    replaced.write_bytes(b"[]")
    replaced.rename(folder.path / "record.json")

    resealed = folder.fingerprint()
    folder.note_attempt({"program": "search"})

    assert len({empty, trained, sealed, resealed, folder.fingerprint()}) == 5
    assert folder.fingerprint() == folder.fingerprint()


def test_a_fingerprint_does_not_depend_on_what_else_is_in_the_folder(folder: CellFolder) -> None:
    before = folder.fingerprint()
    folder.log.write_text("printed")
    assert folder.fingerprint() == before


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"names": 3}', '{"names": "\\ud800"}', "[" * 100_000, "\xff"])
def test_a_cell_that_can_t_be_read_is_one_line_with_the_way_out(folder: CellFolder, text: str | None) -> None:
    if text is not None:
        (folder.path / "cell.json").write_bytes(text.encode("latin-1"))

    with pytest.raises(ResultsError, match=r"cell\.json: .*run the matrix again") as caught:
        folder.cell()

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("domains", "learning_rate"), []),
        (("domains", "learning_rate", "kind"), "rang"),
        (("domains", "learning_rate", "low"), None),
        (("domains", "learning_rate", "high"), math.inf),
        (("domains", "learning_rate", "more"), 1),
        (("domains", "batch_size", "choices"), []),
        (("domains", "batch_size", "choices"), [True]),
        (("domains", "dropout", "value"), {}),
        (("source", "content_hash"), 5),
        (("source", "paths"), "here"),
        (("weights", "sha256"), 7),
        (("budget", "epochs"), -1),
        (("protocol", "metric"), "mood"),
        (("seed",), "1"),
    ],
)
@pytest.mark.parametrize("where", ["cell", "record"])
def test_a_value_that_no_cell_has_is_named_with_its_key(
    folder: CellFolder, cell: Cell, path: tuple[str, ...], value: Any, where: str
) -> None:
    asked = cell.model_dump(mode="json")
    table = asked
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    if where == "cell":
        (folder.path / "cell.json").write_text(json.dumps(asked))
    else:
        files.write_json(
            folder.path / "record.json", stored_file_validation.sealed({**record(cell).document, "cell": asked})
        )

    with pytest.raises(ResultsError, match=rf"{where}\.json: .*{path[-1]}") as caught:
        folder.cell() if where == "cell" else folder.record()

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "perhaps"),
        ("ended", 5),
        ("reason", []),
        ("started_at", "yesterday"),
        ("attempts", -1),
        ("trials", 1.5),
        ("trials", 10**400),
        ("wall_s", -1000.0),
        ("wall_s", math.inf),
        ("wall_s", math.nan),
        ("setup_phases", {"startup": "long"}),
        ("closing_phases", {"ask": -1000.0}),
        ("peak_memory_bytes", {"value": -1}),
        ("energy", 3),
        ("energy", {"value": math.nan}),
        ("device_peak_memory_bytes", {"value": [], "reason": None}),
        ("data", {"per_class": "many"}),
        ("data", {"classes": ["a", "b"], "per_class": [1, 2], "per_class_of_part": {"train": [1]}}),
        ("data", {"look_alikes": 1, "first_look_alikes": [["a"]]}),
        ("data", {"unreadable": [["a"]]}),
        ("data", {"contradictions": {}}),
        ("model", {"builds": -1}),
        ("model", {"parameters": "many"}),
        ("environment", []),
        ("environment", {"device": 3}),
        ("environment", {"logical_cpus": 0}),
        ("environment", {"packages": ["keras"]}),
        ("evidence", {"enforced": {"cpus": "all"}}),
        ("busyness", {"others_share": 0.5}),
        ("luck", 7),
    ],
)
def test_a_value_that_no_record_has_is_named_with_its_key(folder: CellFolder, cell: Cell, key: str, value: Any) -> None:
    fields = {**record(cell).document, key: value}
    (folder.path / "record.json").write_text(json.dumps(fields))

    with pytest.raises(ResultsError, match=rf"record\.json: {key}.*; move") as caught:
        folder.record()

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"val_score": 0.3', '"val_score": 87.3', "epochs.0.val_score: input should be from 0 to 1 (given: 87.3"),
        ('"val_score": 0.3', '"val_score": -0.3', "epochs.0.val_score: input should be from 0 to 1 (given: -0.3"),
        ('"test_score": 0.0', '"test_score": Infinity', "epochs.1.test_score"),
        ('"train_s": 0.25', '"train_s": -1000', "epochs.0.train_s: input should be greater than -0.01"),
        ('"ask": 0.1', '"ask": -1000', "phases.ask"),
        ('"ask": 0.1', '"ask": true', "phases.ask"),
        ('"parameters": {', '"parameters": {"dropout": null, ', "parameters.dropout"),
        ('"parameters": {', '"parameters": {"dropout": NaN, ', "parameters.dropout"),
        ('"parameters": {', f'"parameters": {{"units": {10**30}, ', "parameters.units"),
        ('"completed"', '"complete"', "outcome"),
        ('"epochs": [', '"epochs": [[], ', "epochs.0"),
        ('"charged_epochs": 2', '"charged_epochs": -2', "charged_epochs"),
        ('"cpu_s": 0.0', '"cpu_s": "0"', "cpu_s"),
        ('"number": 0', '"number": 1', "is trial 1, not 0"),
    ],
)
def test_a_value_that_no_trial_has_is_named_with_its_line_and_key(
    folder: CellFolder, old: str, new: str, said: str
) -> None:
    folder.append(TRIAL)
    path = folder.path / "trials.jsonl"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(re.sub(r', "crc32": "[0-9a-f]{8}"', "", text.replace(old, new, 1)), "utf-8")

    with pytest.raises(ResultsError, match=r"trials\.jsonl: line 1 .*move its folder away") as caught:
        folder.trials()

    assert said in str(caught.value)


def test_a_line_s_end_that_was_changed_loses_no_trial_unseen(folder: CellFolder) -> None:
    for number in range(3):
        folder.append(replace(TRIAL, number=number))
    path = folder.path / "trials.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r", 1))

    with pytest.raises(ResultsError, match=r"trials\.jsonl: line 1"):
        folder.trials()


@pytest.mark.parametrize(
    "outcome",
    [
        [],
        {},
        {"status": "done"},
        {"status": "completed", "closing_phases": 3},
        {"status": "completed", "setup_phases": {"data": -5.0}},
        {"status": "completed", "lived_s": "long"},
        {"status": "completed", "started_at": None},
        {"status": "completed", "environment": []},
        {"status": "failed", "reason": 3},
    ],
)
def test_an_outcome_that_no_worker_leaves_is_told(folder: CellFolder, outcome: Any) -> None:
    (folder.path / "outcome.json").write_text(json.dumps(outcome))

    with pytest.raises(ResultsError, match=r"outcome\.json: .*move"):
        folder.outcome()


@pytest.mark.parametrize("attempt", [[], 3, {"program": []}, {"began_at": "then"}, {"reason": {}}])
def test_an_attempt_that_was_none_is_told(folder: CellFolder, attempt: Any) -> None:
    (folder.path / "attempts.jsonl").write_text(json.dumps(attempt) + "\n")

    with pytest.raises(ResultsError, match=r"attempts\.jsonl: line 1 can't be read \(.*move"):
        folder.attempts()


def test_the_text_of_what_is_sealed_is_that_of_its_table() -> None:
    fields = {"name": "Vögel", "scores": [0.1, 1e-7], "none": None}

    assert stored_file_validation.sealed_text(fields) == files.readable_json(stored_file_validation.sealed(fields))
