from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analysis import differences, environments, likeness, likeness_of
from harness.analysis.environment_comparison import summary
from harness.record_schema import EnvironmentTable

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_a_summary_names_machine_settings_and_versions(made: Made) -> None:
    assert summary(made.record().environment) == (
        "device cpu, Fake CPU 3000, 2 logical CPUs, 8.0 GiB memory, Linux-6.1, Python 3.12.0, float32, "
        "deterministic operations, no XLA; tensorflow-cpu 2.21.0, keras 3.15.0, keras-tuner 1.4.8, optuna 5.0.0"
    )


def test_missing_facts_are_left_out() -> None:
    assert summary(EnvironmentTable(device="NVIDIA A10G", packages=None, jit=True)) == "device NVIDIA A10G, XLA"
    assert summary(EnvironmentTable(device="NVIDIA T4", driver="550.54")) == "device NVIDIA T4, NVIDIA driver 550.54"
    assert summary(EnvironmentTable()) == "unknown"


def test_unlike_environments_are_told_apart_and_counted(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0)
    made.search([made.trial(0, 0.2)], seed=1, environment={"device": "Tesla T4"})
    made.search([made.trial(0, 0.2)], seed=2)
    made.plan(seed=3)
    assert [count for _, count in environments(made.results().searches)] == [2, 1]


def test_the_kernel_may_change_where_processors_devices_and_limits_may_not() -> None:
    facts = EnvironmentTable(
        device="cpu", cpu_model="Fake", platform="Linux-6.1", memory_bytes=8 * 2**30, logical_cpus=2
    )
    same = likeness(facts.model_copy(update={"platform": "Linux-6.2"}))
    assert differences([likeness(facts), same]) == {}
    for change in ({"device": "Tesla T4"}, {"cpu_model": "Other"}, {"memory_bytes": 2**30}, {"logical_cpus": 3}):
        assert differences([likeness(facts), likeness(facts.model_copy(update=change))])


def test_other_limits_of_a_container_make_another_machine(made: Made) -> None:
    made.search([made.trial(0, 0.2)], seed=0, evidence={"enforced": {"cpus": 2.0, "memory_bytes": 2**30}})
    made.search([made.trial(0, 0.2)], seed=1, evidence={"enforced": {"cpus": 1.0, "memory_bytes": 2**30}})
    facts = [likeness_of(search) for search in made.results().searches]
    assert differences(facts) == {"container's CPUs": {"2.0": 1, "1.0": 1}}


def test_what_is_unknown_differs_from_nothing(made: Made) -> None:
    made.plan()
    assert [likeness_of(search) for search in made.results().searches] == [{}]
    assert differences([{}, {"device": "cpu"}]) == {}
    assert differences([]) == {}
