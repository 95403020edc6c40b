from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analysis import environments
from harness.analysis.environments import summary

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_summary_names_machine_settings_and_versions(made: Made) -> None:
    assert summary(made.record().environment) == (
        "device cpu, Fake CPU 3000, 2 logical CPUs, 8.0 GiB memory, Linux-6.1, Python 3.12.0, float32, "
        "deterministic operations, no XLA; tensorflow-cpu 2.21.0, keras 3.15.0, keras-tuner 1.4.8, optuna 5.0.0"
    )


def test_missing_facts_are_left_out() -> None:
    assert summary({"device": "NVIDIA A10G", "packages": None, "jit": True}) == "device NVIDIA A10G, XLA"
    assert summary({"device": "NVIDIA T4", "driver": "550.54"}) == "device NVIDIA T4, NVIDIA driver 550.54"
    assert summary({}) == "unknown"


def test_unlike_environments_are_told_apart_and_counted(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0)
    made.search([made.trial(0, 0.2)], seed=1, environment={"device": "Tesla T4"})
    made.search([made.trial(0, 0.2)], seed=2)
    made.plan(seed=3)
    assert [count for _, count in environments(made.results().searches)] == [2, 1]
