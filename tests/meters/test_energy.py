from __future__ import annotations

from pathlib import Path

import pytest

from harness.meters import find_energy_counter


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """A folder as Linux has it: one package, one domain inside it, one of another kind."""
    for name, energy_uj in (("intel-rapl:0", 5_000_000), ("intel-rapl:0:0", 1_000_000), ("dtpm", 0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text("10000000\n")
    return tmp_path


def test_packages_are_summed_and_the_domains_inside_them_are_not(powercap: Path) -> None:
    counter, reading = find_energy_counter(powercap)

    assert counter is not None
    assert reading.reason is None
    assert counter.read_j() == 5.0


def test_a_counter_that_wraps_goes_on_growing(powercap: Path) -> None:
    counter, _ = find_energy_counter(powercap)
    assert counter is not None
    before = counter.read_j()

    (powercap / "intel-rapl:0" / "energy_uj").write_text("2000000\n")

    assert counter.read_j() - before == 7.0


def test_no_counter_is_unknown_with_its_reason(tmp_path: Path) -> None:
    counter, reading = find_energy_counter(tmp_path)

    assert counter is None
    assert reading.value is None
    assert reading.reason == f"no RAPL counter under {tmp_path}"


def test_a_counter_that_cannot_be_read_is_unknown_with_its_reason(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").unlink()

    counter, reading = find_energy_counter(powercap)

    assert counter is None
    assert reading.reason is not None
    assert "can't be read: No such file" in reading.reason
