from __future__ import annotations

from datetime import date

import pytest

from harness.matrix.mistakes import Mistake, dotted, nearest, show, unknown


@pytest.mark.parametrize(
    ("key", "spelt"),
    [
        ((), ""),
        (("budget", "epochs"), "budget.epochs"),
        (("include", 0, "dataset"), "include[0].dataset"),
        (("tuners", "optuna-tpe + hyperband", "tuner"), 'tuners."optuna-tpe + hyperband".tuner'),
        (("datasets", "Vögel"), 'datasets."Vögel"'),
        (("datasets", 'a"b\n'), r'datasets."a\"b\n"'),
        (("datasets", ""), 'datasets.""'),
    ],
)
def test_keys_are_spelt_as_in_toml(key: tuple[str | int, ...], spelt: str) -> None:
    assert dotted(key) == spelt


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (0, "0"),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        ("adm", "'adm'"),
        ("two\nlines", r"'two\nlines'"),
        ([1], "a list"),
        ({}, "a table"),
        (date(2026, 1, 2), "the date or time 2026-01-02"),
        (16**5000, "a number of 20001 bits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_are_shown_short_and_on_one_line(value: object, shown: str) -> None:
    assert show(value) == shown


def test_long_values_are_cut() -> None:
    assert len(show("x" * 1000)) == 40


def test_near_names_are_suggested_whatever_their_case() -> None:
    assert nearest("mobilenetv2", ["ResNet50", "MobileNetV2"]) == "MobileNetV2"
    assert nearest("", ["a"]) is None
    assert nearest("a", []) is None


def test_unknown_names_are_met_with_the_nearest_or_with_all() -> None:
    assert unknown("tuner", "defualt", ["default", "kt-random"]) == "unknown tuner 'defualt'; did you mean 'default'?"
    assert unknown("tuner", "x", ["default", "kt-random"]) == "unknown tuner 'x'; known: default, kt-random"
    assert unknown("seed", "x", [str(seed) for seed in range(99)]).endswith("9, 10, 11, …")


def test_a_mistake_is_one_printable_line_of_bounded_length() -> None:
    line = Mistake(key=("a",), text="first\nsecond\u202e\x00" + "x" * 999).line("dir\n/m.toml")

    assert line.startswith(r"dir\n/m.toml: a: first\nsecond\u202e\x00xxx")
    assert line.isprintable()
    assert len(line) < 300
    assert line.endswith("…")


def test_a_long_path_leaves_room_for_the_mistake() -> None:
    line = Mistake(key=(), text="no such file; check the path").line("x" * 400)

    assert line.endswith("x: no such file; check the path")
