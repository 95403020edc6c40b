from __future__ import annotations

import itertools
import math

import pytest

from harness import tuner_plot_styles
from harness.catalogue.tuners import KNOWN, PRUNERS
from harness.tuner_plot_styles import DARK_BACKGROUND, LIGHT_BACKGROUND, Style, TunerKind

# Severity 1.0 of each deficiency in linear RGB: Machado, Oliveira and Fernandes 2009, table 1.
_SEEN = {
    "all three cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red cones": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "no green cones": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "no blue cones": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip


def _linear(colour: str) -> list[float]:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _contrast(one: str, other: str) -> float:
    weights = (0.2126, 0.7152, 0.0722)
    dark, light = sorted(sum(w * part for w, part in zip(weights, _linear(c), strict=True)) for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _oklab(colour: str, seen: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """Björn Ottosson's Oklab (2020) of a colour as somebody sees it."""
    linear = _linear(colour)
    r, g, b = (min(1.0, max(0.0, sum(m * part for m, part in zip(row, linear, strict=True)))) for row in seen)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _known() -> dict[str, Style]:
    found = {}
    for tuner, declared in KNOWN.items():
        for pruner in PRUNERS if declared.library == "optuna" else ["none"]:
            style = tuner_plot_styles.of_kind(tuner, pruner)
            assert style is not None, f"{tuner}+{pruner} has no look"
            found[f"{tuner}+{pruner}"] = style
    return found


def test_every_known_tuner_with_every_pruner_has_a_look_of_its_own() -> None:
    found = _known()
    assert len(set(found.values())) == len(found)


def test_two_looks_of_one_colour_differ_in_dash_and_in_marker() -> None:
    for (one, first), (other, second) in itertools.combinations(_known().items(), 2):
        if first.light == second.light:
            assert first.dash != second.dash, f"{one} and {other}"
            assert first.marker != second.marker, f"{one} and {other}"


@pytest.mark.parametrize(("field", "background"), [("light", LIGHT_BACKGROUND), ("dark", DARK_BACKGROUND)])
def test_lines_stand_out_from_their_background(field: str, background: str) -> None:
    for name, style in _known().items():
        assert _contrast(getattr(style, field), background) >= 3.0, name


@pytest.mark.parametrize("eyes", _SEEN)
@pytest.mark.parametrize("field", ["light", "dark"])
def test_no_two_colours_look_alike_to_anyone(field: str, eyes: str) -> None:
    colours = sorted({getattr(style, field) for style in _known().values()})
    assert len(colours) == 8
    for one, other in itertools.combinations(colours, 2):
        apart = math.dist(_oklab(one, _SEEN[eyes]), _oklab(other, _SEEN[eyes]))
        assert apart >= 0.1, f"{one} and {other} to {eyes}"


def test_a_tuner_looks_the_same_in_every_matrix() -> None:
    few = tuner_plot_styles.styles({"optuna-tpe": TunerKind()})
    many = tuner_plot_styles.styles(
        {"ours": TunerKind(tuner="optuna-tpe"), "kt-grid": TunerKind(), "optuna-tpe": TunerKind(tuner="optuna-tpe")}
    )
    assert few["optuna-tpe"] == many["optuna-tpe"] == tuner_plot_styles.of_kind("optuna-tpe")


def test_a_name_of_the_matrix_looks_as_what_it_is() -> None:
    found = tuner_plot_styles.styles({"tpe, gestutzt": TunerKind(tuner="optuna-tpe", pruner="hyperband")})
    assert found["tpe, gestutzt"] == tuner_plot_styles.of_kind("optuna-tpe", "hyperband")


def test_a_pruned_tuner_is_known_by_its_usual_name_before_it_has_run() -> None:
    assert tuner_plot_styles.styles({"optuna-tpe+asha": TunerKind()})["optuna-tpe+asha"] == tuner_plot_styles.of_kind(
        "optuna-tpe", "asha"
    )


def test_two_of_a_kind_share_their_colour_and_nothing_else() -> None:
    kind = TunerKind(tuner="optuna-tpe", pruner="none")
    found = tuner_plot_styles.styles({"short start-up": kind, "long start-up": kind})
    one, other = found["short start-up"], found["long start-up"]
    assert one.light == other.light
    assert (one.dash, one.marker) != (other.dash, other.marker)


def test_unknown_tuners_have_looks_of_their_own_that_no_run_changes() -> None:
    names = [f"meiner {number}" for number in range(60)]
    found = tuner_plot_styles.styles(dict.fromkeys(names, TunerKind(tuner="nobody-knows")))
    assert len(set(found.values())) == 60
    assert not set(found.values()) & set(_known().values())
    assert tuner_plot_styles.styles(dict.fromkeys(names, TunerKind(tuner="nobody-knows"))) == found


def test_more_tuners_than_looks_are_still_drawn() -> None:
    kinds = {str(number): TunerKind(tuner="optuna-tpe") for number in range(500)}
    assert list(tuner_plot_styles.styles(kinds)) == list(kinds)


def test_no_tuner_is_no_mistake() -> None:
    assert tuner_plot_styles.styles({}) == {}
