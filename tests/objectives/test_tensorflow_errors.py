"""TensorFlow's own errors, raised by fakes; the device that is tried afterwards is this machine's, or a fake."""

from __future__ import annotations

import pytest
import tensorflow as tf

from harness.errors import MachineError
from harness.objectives import tensorflow_errors
from harness.search_types import OutOfMemory, TrialFailed

pytestmark = pytest.mark.train

LAUNCH_FAILED = "CUDA error: Failed to synchronize GPU: CUDA_ERROR_LAUNCH_FAILED\nmore"
OF_A_DEVICE_OR_NOT = [
    tf.errors.InternalError,
    tf.errors.UnknownError,
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DataLossError,
    tf.errors.CancelledError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.DeadlineExceededError,
    tf.errors.PermissionDeniedError,
]


class FakeDevice:
    """A device that answers each trial computation with the same error, or with none; it counts them."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.tried = 0

    def __call__(self) -> None:
        self.tried += 1
        if self._error is not None:
            raise self._error


def installed(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> FakeDevice:
    device = FakeDevice(error)
    monkeypatch.setattr(tensorflow_errors, "compute_a_little", device)
    return device


@pytest.mark.parametrize("kind", OF_A_DEVICE_OR_NOT)
def test_an_error_after_which_the_device_computes_nothing_is_the_machines_trouble(
    monkeypatch: pytest.MonkeyPatch, kind: type[tf.errors.OpError]
) -> None:
    device = installed(monkeypatch, tf.errors.InternalError(None, None, "CUDA_ERROR_LAUNCH_FAILED again"))

    with pytest.raises(MachineError) as caught, tensorflow_errors.as_outcomes():
        raise kind(None, None, LAUNCH_FAILED)

    assert device.tried == 1
    assert str(caught.value) == (
        f"the device no longer computes: {kind.__name__}: {LAUNCH_FAILED.splitlines()[0]}; "
        "look for it in dmesg and nvidia-smi, then run again"
    )
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("kind", OF_A_DEVICE_OR_NOT)
def test_an_error_after_which_the_device_computes_is_the_trials(kind: type[tf.errors.OpError]) -> None:
    with (
        pytest.raises(TrialFailed, match=rf"^{kind.__name__}: CUDA error: .*_FAILED$"),
        tensorflow_errors.as_outcomes(),
    ):
        raise kind(None, None, LAUNCH_FAILED)


@pytest.mark.parametrize("kind", [tf.errors.InvalidArgumentError, tf.errors.UnimplementedError])
def test_an_error_of_the_configuration_is_the_trials_and_the_device_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, kind: type[tf.errors.OpError]
) -> None:
    device = installed(monkeypatch, tf.errors.InternalError(None, None, "gone"))

    with pytest.raises(TrialFailed), tensorflow_errors.as_outcomes():
        raise kind(None, None, "no such shape")

    assert device.tried == 0


def test_a_full_device_is_out_of_memory_and_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    device = installed(monkeypatch, tf.errors.InternalError(None, None, "gone"))

    with (
        pytest.raises(OutOfMemory, match=r"^ResourceExhaustedError: OOM when allocating$"),
        tensorflow_errors.as_outcomes(),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore")

    assert device.tried == 0


def test_a_device_too_full_for_two_numbers_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"))

    with pytest.raises(TrialFailed, match="cuBLAS"), tensorflow_errors.as_outcomes():
        raise tf.errors.InternalError(None, None, "cuBLAS has no handle")


def test_an_error_without_a_word_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)

    with pytest.raises(TrialFailed, match=r"^AbortedError: without a message$"), tensorflow_errors.as_outcomes():
        raise tf.errors.AbortedError(None, None, "")


@pytest.mark.parametrize("watched", [tensorflow_errors.as_outcomes, tensorflow_errors.device_watched])
def test_a_bug_stays_a_bug(watched: object) -> None:
    with pytest.raises(ZeroDivisionError), watched():  # type: ignore[operator]  # either context manager
        raise ZeroDivisionError


def test_outside_of_trials_a_lost_device_is_the_machines_trouble_too(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tf.errors.UnavailableError(None, None, "gone"))

    with (
        pytest.raises(MachineError, match="the device no longer computes: InternalError"),
        tensorflow_errors.device_watched(),
    ):
        raise tf.errors.InternalError(None, None, LAUNCH_FAILED)


@pytest.mark.parametrize("kind", [tf.errors.InternalError, tf.errors.ResourceExhaustedError])
def test_outside_of_trials_an_error_on_a_sound_device_stays_what_it_is(kind: type[tf.errors.OpError]) -> None:
    with pytest.raises(kind), tensorflow_errors.device_watched():
        raise kind(None, None, "no kernel")


def test_this_machines_device_computes_a_little() -> None:
    tensorflow_errors.compute_a_little()
