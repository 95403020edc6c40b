"""Searches as runs of TensorBoard: a curve for each trial, and a table of hyperparameters and scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.exports.exported_searches import Export, ExportedSearch, ExportedTrial, Fact

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

_OF_TRIALS = {
    "trial/score": "best validation score",
    "trial/test_score": "its test score",
    "trial/epochs": "epochs charged",
    "trial/search_s": "search seconds",
    "trial/ask_s": "seconds of the tuner's proposal",
    "trial/cpu_s": "processor seconds",
    "trial/energy_j": "joules",
}

Event = tuple[dt.datetime, int, "Summary"]
"""When it was, at which step, and what."""


def write(folder: Path, export: Export) -> None:
    """Write a run for each trial, ``SEARCH/trial-000``, and one with the incumbent for each search.

    Curves of a trial have epochs as steps; those of a search have the epochs charged so far. Moments are the search's
    start plus the seconds that it was charged for.
    """
    hyperparameters: dict[str, None] = {}
    for search in export.searches():
        _write_events(folder / search.folder, _incumbents(search))
        for each in search.trials:
            hyperparameters.update(dict.fromkeys(each.trial.parameters))
            _write_events(folder / search.folder / f"trial-{each.trial.number:03}", _of_trial(search, each))
    _write_events(folder, [_columns(hyperparameters)])


def _incumbents(search: ExportedSearch) -> Iterator[Event]:
    for epochs, moment, best in search.incumbents():
        yield moment, epochs, _scalar("search/incumbent_val_score", best)


def _of_trial(search: ExportedSearch, each: ExportedTrial) -> Iterator[Event]:
    from tensorboard.plugins.hparams import summary_v2  # noqa: PLC0415 - takes a while, and no other command needs it

    named: dict[str, Fact] = search.name._asdict()
    values = {**named, "outcome": each.trial.outcome.value, **each.trial.parameters}
    key = f"{search.study}/{each.trial.number}"
    yield each.began_at, 0, summary_v2.hparams_pb(values, trial_id=key, start_time_secs=each.began_at.timestamp())
    for number, ended_at, known in each.epochs():
        for name, value in known.items():
            yield ended_at, number, _scalar(name, value)
    for tag in _OF_TRIALS:
        fact = each.facts.get(tag.removeprefix("trial/"))
        if fact is not None:
            yield each.ended_at, each.trial.last_epoch, _scalar(tag, float(fact))
    yield each.ended_at, each.trial.last_epoch, _end(each)


def _end(each: ExportedTrial) -> Summary:
    """Return what the table of hyperparameters is told of a trial's end: success where it has a score."""
    from tensorboard.compat.proto.summary_pb2 import Summary as Stored  # noqa: PLC0415 - see above
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2  # noqa: PLC0415 - see above

    status = api_pb2.STATUS_FAILURE if each.score is None else api_pb2.STATUS_SUCCESS
    ended = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=each.ended_at.timestamp())
    told = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=ended))
    tag = metadata.SESSION_END_INFO_TAG
    return Stored(value=[Stored.Value(tag=tag, metadata=told, tensor=metadata.NULL_TENSOR)])


def _columns(hyperparameters: Iterable[str]) -> Event:
    """Return what the table of hyperparameters shows: names of the search, its parameters, and each trial's results."""
    from tensorboard.plugins.hparams import summary_v2  # noqa: PLC0415 - see above

    names = ("dataset", "backbone", "hyperparameters", "tuner", "seed", "outcome", *hyperparameters)
    metrics = [summary_v2.Metric(tag, display_name=meaning) for tag, meaning in _OF_TRIALS.items()]
    began = dt.datetime.fromtimestamp(0, dt.UTC)
    shown = summary_v2.hparams_config_pb([summary_v2.HParam(name) for name in names], metrics, time_created_secs=0)
    return began, 0, shown


def _scalar(tag: str, value: float) -> Summary:
    from tensorboard.plugins.scalar import summary_v2  # noqa: PLC0415 - see above

    return summary_v2.scalar_pb(tag, value)


def _write_events(folder: Path, events: Iterable[Event]) -> None:
    from tensorboard.compat.proto.event_pb2 import Event as Stored  # noqa: PLC0415 - see above
    from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415 - see above

    folder.mkdir(parents=True, exist_ok=True)
    # Not by TensorBoard's own writer of files, which names them after the machine and the moment of the export.
    with (folder / "events.out.tfevents.harness").open("wb") as stream:
        writer = RecordWriter(stream)
        writer.write(Stored(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        for moment, step, summary in events:
            stored = Stored(wall_time=moment.timestamp(), step=step, summary=summary)
            writer.write(stored.SerializeToString())
