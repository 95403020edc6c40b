from __future__ import annotations

import pytest

from harness.compute_capability import covers, objection

# What TensorFlow 2.21's GPU wheels say of themselves.
BUILD = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]


@pytest.mark.parametrize(
    ("capability", "covered"),
    [
        ((5, 2), False),
        ((6, 0), True),
        ((6, 1), True),
        ((7, 5), True),
        ((8, 0), True),
        ((8, 6), True),
        ((8, 9), True),
        ((9, 0), True),
        ((10, 0), False),
        ((12, 0), False),
        (None, True),
    ],
)
def test_binaries_run_on_later_devices_of_their_generation_alone(
    capability: tuple[int, int] | None, *, covered: bool
) -> None:
    assert covers(BUILD, capability) is covered


def test_an_earlier_device_of_the_generation_is_not_covered() -> None:
    assert not covers(["sm_89"], (8, 6))


def test_what_is_built_for_one_device_exactly_runs_on_no_other() -> None:
    assert covers(["sm_90a"], (9, 0))
    assert not covers(["sm_120a"], (12, 1))
    assert covers(["sm_120f"], (12, 1))


@pytest.mark.parametrize("codes", [[], ["8.6"], ["gfx90a"]])
def test_where_a_build_does_not_say_in_our_terms_nothing_is_objected(codes: list[str]) -> None:
    assert covers(codes, (12, 0))


@pytest.mark.parametrize(
    ("capability", "cudnn", "objects"),
    [
        ((6, 0), "9.10.2.21", False),
        ((7, 0), "9.11.0.98", True),
        ((6, 1), "9.28.0.42", True),
        ((7, 5), "9.28.0.42", False),
        ((9, 0), "10.0", False),
        ((7, 0), "strange", False),
        ((7, 0), None, False),
        (None, "9.28.0.42", False),
    ],
)
def test_a_cudnn_from_9_11_on_is_objected_to_on_devices_before_turing(
    capability: tuple[int, int] | None, cudnn: str | None, *, objects: bool
) -> None:
    why = objection(BUILD, capability, cudnn=cudnn)

    assert (why is not None) is objects
    assert why is None or why.startswith(f"cuDNN {cudnn} has code for 7.5 and newer alone")
