from pathlib import Path

import pytest

from harness import prices
from harness.errors import UserError
from harness.record_schema import EnvironmentTable

_REST = 'instance = "x"\nregion = "r"\ndate = 2026-01-02\nsource = "s"\n'
_CPU = f"[cpu]\nusd_per_hour = 0.05\n{_REST}"
_GPU = "[gpus.{key}]\nmatch = {match}\nusd_per_hour = {usd}\n" + _REST


def _file(folder: Path, text: str) -> Path:
    path = folder / "my prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _mistake(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        prices.load(_file(folder, text))
    return str(caught.value)


def test_every_shipped_price_is_dated_sourced_and_above_zero() -> None:
    own = prices.load()
    assert own.cpu is not None
    entries = [own.cpu, *own.gpus.values()]
    assert all(entry.source.startswith("https://") and entry.usd_per_hour > 0 for entry in entries)


@pytest.mark.parametrize(
    ("device", "usd"),
    [
        ("Tesla T4", 0.526),
        ("NVIDIA L4", 0.8048),
        ("NVIDIA A10G", 1.006),
        ("Tesla V100-SXM2-16GB", 3.06),
        ("NVIDIA A100-SXM4-40GB", 2.74470525),
        ("NVIDIA A100-SXM4-80GB", 3.43088125),
        ("NVIDIA H100 80GB HBM3", 6.88),
    ],
)
def test_gpus_are_found_by_the_names_that_their_driver_reports(device: str, usd: float) -> None:
    assert prices.load().per_hour(EnvironmentTable(device=device)).value == pytest.approx(usd)


@pytest.mark.parametrize(
    "device", ["NVIDIA L40S", "NVIDIA A10", "NVIDIA H100 PCIe", "NVIDIA T400", "", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"]
)
def test_a_device_without_a_price_is_said_not_guessed(device: str) -> None:
    reading = prices.load().per_hour(EnvironmentTable(device=device))
    assert reading.value is None
    assert reading.reason


def test_a_cpu_search_costs_by_the_logical_cpu() -> None:
    assert prices.load().per_hour(EnvironmentTable(device="cpu", logical_cpus=4)).value == pytest.approx(4 * 0.0504)


@pytest.mark.parametrize("environment", [{}, {"device": None}, {"device": "cpu"}])
def test_an_environment_that_says_too_little_has_no_price(environment: dict[str, object]) -> None:
    assert prices.load().per_hour(EnvironmentTable.model_validate(environment)).value is None


def test_the_entry_with_the_most_words_counts(tmp_path: Path) -> None:
    short = _GPU.format(key="short", match='["A100"]', usd=1.0)
    long = _GPU.format(key="long", match='["A100", "80GB"]', usd=2.0)
    own = prices.load(_file(tmp_path, f'title = "t"\n{short}{long}'))
    assert own.per_hour(EnvironmentTable(device="NVIDIA A100 80GB PCIe")).value == 2.0
    assert own.per_hour(EnvironmentTable(device="NVIDIA A100-SXM4-40GB")).value == 1.0


def test_an_instance_has_a_price_where_a_file_names_it(tmp_path: Path) -> None:
    file = _file(tmp_path, 'title = "mine"\n' + _GPU.format(key="part", match='["A100", "MIG", "1g"]', usd=0.4))

    name = "NVIDIA A100-SXM4-40GB"
    assert prices.load(file).per_hour(EnvironmentTable(device=f"{name} MIG 1g.5gb")).value == 0.4
    assert prices.load(file).per_hour(EnvironmentTable(device=name)).value is None


def test_a_file_without_a_cpu_price_prices_no_cpu(tmp_path: Path) -> None:
    reading = prices.load(_file(tmp_path, 'title = "t"\n')).per_hour(EnvironmentTable(device="cpu", logical_cpus=2))
    assert reading.value is None
    assert "my prices.toml" in str(reading.reason)


def test_a_free_machine_costs_zero_not_unknown(tmp_path: Path) -> None:
    own = prices.load(_file(tmp_path, 'title = "t"\n' + _CPU.replace("0.05", "0.0")))
    assert own.per_hour(EnvironmentTable(device="cpu", logical_cpus=2)).value == 0.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("title = ", "not TOML"),
        ("", "title"),
        ('title = "t"\nprice = 3\n', "price"),
        ('title = "t"\n' + _CPU.replace("0.05", "-1.0"), "cpu.usd_per_hour"),
        ('title = "t"\n' + _CPU.replace("0.05", '"cheap"'), "cheap"),
        ('title = "t"\n' + _CPU.replace("2026-01-02", '"yesterday"'), "cpu.date"),
        ('title = "t"\n' + _CPU.replace("0.05", "nan"), "cpu.usd_per_hour"),
        ('title = "t"\n' + _GPU.format(key="a", match="[]", usd=1.0), "gpus.a.match"),
        ('title = "t"\n' + _GPU.format(key="a", match='["-"]', usd=1.0), "gpus.a.match"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    line = _mistake(tmp_path, text)
    assert "my prices.toml" in line
    assert named in line
    assert "\n" not in line


def test_two_entries_for_the_same_words_are_refused(tmp_path: Path) -> None:
    twins = _GPU.format(key="a", match='["L4"]', usd=1.0) + _GPU.format(key="b", match='["l4"]', usd=2.0)
    assert "gpus.b.match" in _mistake(tmp_path, f'title = "t"\n{twins}')


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        prices.load(tmp_path / "nowhere.toml")


def test_bytes_that_are_no_utf8_are_the_users_mistake(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "\xff"')
    with pytest.raises(UserError, match=r"latin\.toml"):
        prices.load(path)
