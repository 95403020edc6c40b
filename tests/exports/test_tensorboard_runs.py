"""What TensorBoard itself reads of an export."""

from __future__ import annotations

import pytest
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups
from tensorboard.util.tensor_util import make_ndarray

from tests.exports.conftest import Written

pytestmark = pytest.mark.seconds


def curve(path: object, tag: str) -> dict[int, float]:
    """The points of a curve in the run in a folder, by step."""
    run = EventAccumulator(str(path))
    run.Reload()
    return {event.step: float(make_ndarray(event.tensor_proto)) for event in run.Tensors(tag)}


def test_a_trial_is_a_run_with_curves_over_epochs(write: Written) -> None:
    search = write("tensorboard", "board") / "animals/mobile/lr/tpe/1"

    assert curve(search / "trial-000", "val_score") == {1: 0.5, 2: 0.75}
    assert curve(search / "trial-000", "train_s") == {1: 2.0, 2: 2.0}
    assert curve(search / "trial-000", "trial/search_s") == {2: 7.5}
    assert curve(search, "search/incumbent_val_score") == {2: 0.75, 3: 0.75, 4: 0.75}


def test_moments_are_those_of_the_search(write: Written) -> None:
    run = EventAccumulator(str(write("tensorboard", "board") / "animals/mobile/lr/tpe/1/trial-000"))
    run.Reload()

    first, second = run.Tensors("val_score")
    assert second.wall_time - first.wall_time == 3.0


def test_the_table_of_hyperparameters_has_every_trial_with_its_score_and_costs(write: Written) -> None:
    folder = write("tensorboard", "board")
    runs = EventMultiplexer()
    runs.AddRunsFromDirectory(str(folder))
    runs.Reload()
    board = backend_context.Context(TBContext(data_provider=MultiplexerDataProvider(runs, str(folder))))
    ends = [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE]
    asked = api_pb2.ListSessionGroupsRequest(slice_size=100, allowed_statuses=ends)

    groups = list_session_groups.Handler(context.RequestContext(), board, "", asked).run().session_groups

    assert len(groups) == 6
    (first,) = [group for group in groups if group.name == "animals/mobile/lr/tpe/1/0"]
    assert [session.status for session in first.sessions] == [api_pb2.STATUS_SUCCESS]
    assert first.hparams["tuner"].string_value == "tpe"
    assert first.hparams["learning_rate"].number_value == 0.01
    told = {value.name.tag: value.value for value in first.metric_values}
    assert (told["trial/score"], told["trial/search_s"], told["trial/energy_j"]) == (0.75, 7.5, 5.0)
    (failed,) = [group for group in groups if group.name == "animals/mobile/lr/tpe/1/2"]
    assert [session.status for session in failed.sessions] == [api_pb2.STATUS_FAILURE]
    assert "trial/energy_j" not in {value.name.tag for value in failed.metric_values}
