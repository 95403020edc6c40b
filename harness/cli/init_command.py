"""``harness init``: from a folder of images to a matrix that fits this machine and a budget."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from harness import cache_inventory, files, matrix, prices
from harness.api import given_paths
from harness.campaign import calibration, forecast
from harness.campaign.events import DataKnown, Event, Watch
from harness.cli import forecasts, printing
from harness.cli.progress import watcher
from harness.cli.run_command import unless_default
from harness.datasets import data_summary
from harness.errors import MachineError, UserError
from harness.matrix_advice import budget_fit, given_images, image_sizes, reachable_weights
from harness.matrix_advice import spending as spendings
from harness.matrix_advice.budget_fit import Fit
from harness.matrix_advice.given_images import GivenImages
from harness.matrix_advice.proposed_matrix import MatrixProposal, name_from
from harness.matrix_advice.reachable_weights import Reached
from harness.matrix_advice.spending import Spending
from harness.placement.executor_choice import Where
from harness.prices import Prices
from harness.record_schema import DataTable
from harness.results_folder import MatrixFolder

_WITHOUT_WEIGHTS = Reached(model="EfficientNetLite0", weights="none", trained_on="nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What is asked for besides the images; None where a question may settle it.

    ``hints`` are keys of the data set's section that its files leave open. ``asks`` says whether somebody is there to
    be asked, ``force`` whether a file may be replaced.
    """

    budget: str | None
    output: Path | None
    hints: Mapping[str, Any]
    force: bool
    asks: bool


def write(folder: Path, *, asked: InitOptions, results: Path, cache: Path, where: Where) -> None:
    """Look at the images, try the machine for some seconds, and write a matrix; print how to run it.

    Raises:
        UserError: There are no images that can be used, or a file is in the way.
        MachineError: The machine can't train; says the way out.
    """
    spending = _spending(asked)
    output = _output(folder, asked)
    cache = given_paths.cache_folder(cache)
    results = given_paths.results_folder(results)
    price_list = prices.load()
    with cache_inventory.used(cache):
        given = given_images.look(folder, hints=dict(asked.hints), cache=cache, results=results / output.stem)
        size = image_sizes.amount(given.images, seconds=_seconds(spending, price_list), processors=_processors())
        backbones = _backbones(size.image_size, cache)
    proposal = _proposal(given, size, backbones, name=output.stem)
    facts, fit = _tried(proposal, output, spending, price_list, results=results, cache=cache, where=where)
    fitting = proposal.fitted(fit)
    told = forecasts.told(fit.total)
    files.write_atomically(output, fitting.text(base=output.parent, head=_head(output, spending, told, facts)).encode())
    matrix.load(output)
    _say_what_was_chosen(fitting, fit, spending, told)
    options = [*unless_default(results, cache), *where.options]
    printing.say(f"wrote {output}; run it with: {shlex.join(['harness', 'run', str(output), *options])}")


def _spending(asked: InitOptions) -> Spending:
    if asked.budget is not None or not asked.asks:
        return spendings.spending(asked.budget or spendings.DEFAULT)
    return spendings.spending(
        click.prompt("How much may the comparison take, in time or dollars?", default=spendings.DEFAULT)
    )


def _output(folder: Path, asked: InitOptions) -> Path:
    default = Path(f"{name_from(folder)}.toml")
    output = asked.output
    if output is None:
        output = Path(click.prompt("Which file to write?", default=str(default))) if asked.asks else default
    if output.suffix != ".toml":
        raise UserError(f"--output {output}: a matrix is a TOML file; give a name that ends in .toml")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise UserError(f"--output {output}: no file can be there; give one in a folder that exists")
    if output.exists() and not asked.force and not _may_replace(output, asked):
        raise UserError(f"{output}: is there already; give another file with --output, or replace it with --force")
    return output


def _may_replace(output: Path, asked: InitOptions) -> bool:
    return asked.asks and click.confirm(f"{output} is there already. Replace it?")


def _seconds(spending: Spending, price_list: Prices) -> float:
    """Return the seconds of this machine's processors that may be spent."""
    if spending.wall_s is not None:
        return spending.wall_s
    per_hour = 0.0 if price_list.cpu is None else price_list.cpu.usd_per_hour * _processors()
    return 3600.0 * (spending.usd or 0.0) / (per_hour or 1.0)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _backbones(image_size: int, cache: Path) -> Sequence[Reached]:
    printing.say("looking for pretrained weights")
    sought = reachable_weights.seek(reachable_weights.finder(image_size=image_size, cache=cache))
    for each in sought.reached:
        printing.say(f"  {each.model}: weights trained on {each.trained_on}")
    for line in sought.out_of_reach:
        printing.say(f"  out of reach: {line}")
    if sought.reached:
        return sought.reached
    printing.say(
        "  no pretrained weights: the matrix begins with random ones, good to see how all of it works and for nothing "
        "else; for real scores put one of these files where it says, or name a weights file under [backbones]"
    )
    return (_WITHOUT_WEIGHTS,)


def _proposal(
    given: GivenImages, size: image_sizes.ImageLimits, backbones: Sequence[Reached], *, name: str
) -> MatrixProposal:
    limit = {} if size.max_images is None else {"max_images": size.max_images}
    images = given.images if size.max_images is None else size.max_images
    return MatrixProposal(
        name=name,
        dataset={**given.section, **limit},
        images=images,
        image_size=size.image_size,
        backbones=backbones,
    )


def _tried(
    proposal: MatrixProposal,
    output: Path,
    spending: Spending,
    price_list: Prices,
    *,
    results: Path,
    cache: Path,
    where: Where,
) -> tuple[DataTable, Fit]:
    """Train a little of each backbone; return what the data came to, and what fits the budget."""
    draft = proposal.matrix(base=output.parent)
    folder = MatrixFolder(results / draft.name)
    facts: list[DataTable] = []
    with watcher("trying two epochs of each backbone") as watch:
        resolved = calibration.calibrate(
            draft, folder.calibration, cache=cache, where=where, watch=_noting(facts, watch)
        )
    if not resolved.cells:
        raise MachineError("; ".join(resolved.why_unreachable))
    rates = forecast.rates(forecast.earlier(results), price_list=price_list)
    fit = budget_fit.fitted(resolved.cells, rates, spending)
    if fit.total.wall_s is None:
        raise MachineError(f"the trial training failed; {folder.calibration.path} has its logs")
    return (facts[0] if facts else DataTable()), fit


def _noting(facts: list[DataTable], watch: Watch) -> Watch:
    def noting(event: Event) -> None:
        if isinstance(event, DataKnown):
            facts.append(event.facts)
        watch(event)

    return noting


def _head(output: Path, spending: Spending, told: str, facts: DataTable) -> list[str]:
    return [
        f"Which tuner suits these images? harness run {shlex.quote(output.name)} finds out.",
        *([data_summary.line(facts)] if facts.told else []),
        f"Made for {spending.told} on this machine; the forecast: {told}.",
        "Every key is explained in docs/matrix.md; harness plan says what a change takes.",
    ]


def _say_what_was_chosen(proposal: MatrixProposal, fit: Fit, spending: Spending, told: str) -> None:
    named = ", ".join(each.model for each in proposal.backbones)
    printing.say(f"{named}, frozen; {proposal.seeds} seeds, {proposal.epochs} epochs for each search")
    printing.say(told)
    if not fit.is_within:
        printing.say(f"that is more than {spending.told}: it is the least that compares anything", style="bold")
