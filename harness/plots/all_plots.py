"""Every picture of a matrix, in its ``plots`` folder: a folder for each group, and what spans groups beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import files
from harness.analysis import Group, MatrixResults, groups
from harness.analysis.cost_axes import Axis
from harness.analysis.learning_rate_retrainings import checks
from harness.analysis.statistics.profiles import profiles as profile
from harness.analysis.statistics.tuner_ranks import ranks as rank
from harness.analysis.statistics.verdicts_and_answer import judged
from harness.analysis.tuner_style_lookup import styles as styles_of
from harness.plots import (
    anytime,
    cost,
    critical_difference,
    figures,
    hyperparameters,
    learning_rate_multiples,
    phases,
    profiles,
)
from harness.plots.drawing_processes import Begin, Work, here
from harness.plots.tuner_style_arguments import Looks
from harness.prices import Prices
from harness.results_folder import MatrixFolder

_CURVES = {"anytime-wall": Axis.WALL_S, "anytime-epochs": Axis.EPOCHS}
NAMES = (*_CURVES, "cost", "phases", "trials", "learning-rate", "ranks", "profiles")
"""Names of the pictures, without their endings."""

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group, the folder that its pictures go into, and what their titles call it."""

    group: Group
    folder: Path
    title: str


def write(folder: MatrixFolder, results: MatrixResults, *, prices: Prices) -> list[Path]:
    """Draw every picture and return the paths; pictures of groups that are no more are removed."""
    return begin(folder, results, prices=prices, drawer=here)()


def begin(folder: MatrixFolder, results: MatrixResults, *, prices: Prices, drawer: Begin) -> Work:
    """Let ``drawer`` begin to draw every picture; return what waits for them, and removes those of groups that were."""
    found = groups(results)
    styles = styles_of(found)
    places = list(places_of(folder.plots, found))
    begun = [
        drawer([partial(_of_group, styles, prices, place) for place in places]),
        drawer([*_of_all(folder.plots, results, styles, prices), *_learning_rates(results, places)]),
    ]

    def finish() -> list[Path]:
        written = [path for wait in begun for path in wait()]
        _remove_others(folder.plots, set(written))
        return written

    return finish


def _of_all(plots: Path, results: MatrixResults, styles: Looks, prices: Prices) -> list[Work]:
    found = groups(results)
    if not found:
        return []
    made = judged(results, prices=prices)
    problems = profile(found, axis=Axis.WALL_S, prices=prices)
    return [
        partial(
            critical_difference.draw, rank(found, made.verdicts), plots / "ranks", looks=styles, score=results.score
        ),
        partial(profiles.draw, problems, plots / "profiles", looks=styles),
    ]


def _of_group(styles: Looks, prices: Prices, place: Place) -> list[Path]:
    group, title = place.group, place.title
    written: list[Path] = []
    for name, axis in _CURVES.items():
        written += anytime.draw(group, place.folder / name, title=title, axis=axis, looks=styles, prices=prices)
    written += cost.draw(group, place.folder / "cost", title=title, looks=styles)
    written += phases.draw(group, place.folder / "phases", title=title)
    return [*written, *hyperparameters.draw(group, place.folder / "trials", title=title, looks=styles)]


def _learning_rates(results: MatrixResults, places: list[Place]) -> list[Work]:
    points = checks(results)
    works: list[Work] = []
    for place in places:
        own = {point: epochs for point, epochs in points.items() if point.group == place.group.name}
        if own:
            stem = place.folder / "learning-rate"
            works.append(partial(learning_rate_multiples.draw, own, stem, title=place.title, score=results.score))
    return works


def places_of(plots: Path, found: list[Group]) -> Iterator[Place]:
    """Yield each group's place: a folder directly in ``plots`` of its own, whatever the group is called."""
    taken: set[str] = set()
    for group in found:
        name = _file_name("-".join(group.name))
        if name in taken:
            name = f"{name}-{files.digest(group.name)[:8]}"
        taken.add(name)
        yield Place(group=group, folder=plots / name, title=", ".join(map(figures.short, group.name)))


def _file_name(text: str) -> str:
    """Return ``text`` as a name that every file system takes: letters, digits, dots and dashes, not too long."""
    name = re.sub(r"[^\w.-]+", "-", text).strip("-.") or "group"
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{files.digest(text)[:8]}"


def _remove_others(plots: Path, written: set[Path]) -> None:
    for path in sorted(plots.rglob("*")):
        if path.stem in NAMES and path.suffix in (".svg", ".png") and path not in written:
            # Another run of the same folder may have been first.
            path.unlink(missing_ok=True)
