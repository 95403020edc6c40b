"""The commands. Whatever they need is imported where it is used, so that ``--help`` answers at once."""
# ruff: noqa: PLC0415 - see the first line

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness import __version__
from harness.api import given_paths
from harness.cli import exit_codes, streams
from harness.cli.help_encoding import CommandGroup
from harness.cli.parameters import (
    Amount,
    Day,
    GivenMatrix,
    GivenPath,
    MatrixResultsPlace,
    ResultsOrMatrix,
    ResultsPlace,
)
from harness.exports.formats import FORMATS

if TYPE_CHECKING:
    import datetime as dt

    from harness.campaign.curve_replay import Thinking
    from harness.matrix_schema import Metric
    from harness.placement.executor_choice import Start

PARTS = ("tables", "plots", "page")
_MATRIX = click.argument("matrix", type=GivenMatrix())
_RESULTS = click.option(
    "--results",
    type=ResultsPlace(),
    metavar="DIRECTORY|URL",
    default=given_paths.RESULTS,
    show_default=True,
    help="Folder that results go into, one folder for each matrix; or the URL of one in a store.",
)
_CACHE = click.option(
    "--cache",
    type=GivenPath(file_okay=False),
    envvar="HARNESS_CACHE",
    default=given_paths.default_cache,
    show_default="~/.cache/tuner-harness",
    help="Folder for downloads, decoded images and activations.",
)
_IMAGES = click.argument("names", nargs=-1, metavar="[NAME]...")
_IMAGES_FILE = click.option(
    "--file",
    type=GivenPath(),
    default=given_paths.images_file,
    show_default="docker/images.toml here, else the harness's own",
    help="File that declares the images.",
)
_PRICES = click.option("--prices", type=GivenPath(), help="Price file to use instead of the harness's own.")
_MIX = click.option(
    "--mix-environments", is_flag=True, help="Make tables of searches that ran in unlike environments, and say so."
)
_EXECUTOR = click.option(
    "--executor",
    metavar="auto|local|docker|slurm|ray|FILE|package:NAME",
    envvar="HARNESS_EXECUTOR",
    default="auto",
    show_default=True,
    show_envvar=True,
    help="Where cells run; auto is in containers where an engine and an image are, else as local processes. slurm "
    "makes each a job of a cluster, ray a task. A Python file or a package has an executor of your own.",
)
_IMAGE = click.option(
    "--image", help="Image that containers run.  [default: tuner-harness:cpu, or :gpu where there is a GPU]"
)
_GPU = click.option(
    "--gpu",
    "gpus",
    multiple=True,
    help="UUID or index of a GPU, or all; of several each runs one cell, side by side.  [default: with auto all of one "
    "model]",
)
_AT_ONCE = click.option(
    "--at-once",
    type=click.IntRange(min=1),
    help="Cells that run side by side, each on its own equal set of processors.  [default: 1, or one for each GPU]",
)
_ADDRESS = click.option(
    "--address", help="Ray cluster that --executor ray uses.  [default: HARNESS_RAY_ADDRESS, or the one of this host]"
)
_START = click.option(
    "--start",
    type=click.Choice(["warm", "fresh"]),
    default="warm",
    show_default=True,
    help="How local processes begin: forked from one that has imported everything, or each by itself.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_QUIET = click.option("--quiet", is_flag=True, help="Say errors and where results are, nothing else.")
_FILE = GivenPath(dir_okay=False)
_MARKDOWN = click.option("--markdown", type=_FILE, help="Write the tables here, as for a CI summary.")
_BADGE = click.option("--badge", type=_FILE, help="Write the verdict here as JSON that shields.io makes a badge of.")


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def harness() -> None:
    """Which tuner gives the most F1 for your compute, and what did each search cost?

    MATRIX is a TOML file: data sets × backbones × tuners × hyperparameter sets × seeds. demo, smoke, gpu and nightly
    are there to be tried; init writes one for your own images.
    """


@harness.command()
@click.argument("folder", type=GivenPath())
@click.option("--budget", metavar="TIME|USD", help="What the comparison may take, as: 15 minutes, 2 hours, $5.")
@click.option("--output", "-o", type=GivenPath(), help="Matrix file to write.  [default: named after the images, here]")
@click.option("--folders", type=click.Choice(["classes", "parts"]), help="What the folders in FOLDER are.")
@click.option(
    "--column",
    "columns",
    type=(click.Choice(["image", "label", "part", "group"]), str),
    multiple=True,
    metavar="WHAT NAME",
    help="What a table calls a column, as: label species.  [repeatable]",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
@click.option("--yes", "takes_defaults", is_flag=True, help="Ask nothing, as where standard input is no terminal.")
@_RESULTS
@_CACHE
@_EXECUTOR
@_IMAGE
@_GPU
def init(
    folder: Path,
    budget: str | None,
    output: Path | None,
    folders: str | None,
    columns: tuple[tuple[str, str], ...],
    *,
    force: bool,
    takes_defaults: bool,
    results: Path,
    cache: Path,
    executor: str,
    image: str | None,
    gpus: tuple[str, ...],
) -> None:
    """Write a matrix for your own images that fits this machine and a budget.

    FOLDER has a folder of images for each class, or is a table of paths and labels, an .npz, or what Hugging Face's
    library or TensorFlow Datasets saved. Two epochs of each backbone are trained to learn how long they take.
    """
    from harness.cli import init_command
    from harness.placement.executor_choice import Where

    hints = {"folders": folders, "columns": dict(columns)}
    asked = init_command.InitOptions(
        budget=budget,
        output=output,
        hints={name: value for name, value in hints.items() if value},
        force=force,
        asks=not takes_defaults and streams.is_asked(),
    )
    where = Where(executor=executor, image=image, gpus=gpus)
    init_command.write(folder, asked=asked, results=results, cache=cache, where=where)


@harness.command()
@_MATRIX
@_RESULTS
@_CACHE
@_EXECUTOR
@_IMAGE
@_GPU
@_AT_ONCE
@_ADDRESS
@_START
@click.option("--retry-failed", is_flag=True, help="Search cells that ended in failure anew.")
@click.option(
    "--max-hours",
    type=Amount(),
    help="Stop before this run has taken so long; a later run goes on.",
)
@click.option(
    "--max-cost",
    type=Amount(),
    metavar="USD",
    help="Stop before this run has cost so much, by the price of this machine.",
)
@_PRICES
@_MIX
@click.option(
    "--share",
    is_flag=True,
    help="Let other runs that say so too, on this host or others, take cells of the same folder.",
)
@_QUIET
@_JSON
def run(
    matrix: Path,
    results: Path,
    cache: Path,
    *,
    executor: str,
    image: str | None,
    gpus: tuple[str, ...],
    at_once: int | None,
    address: str | None,
    start: Start,
    retry_failed: bool,
    max_hours: float | None,
    max_cost: float | None,
    prices: Path | None,
    mix_environments: bool,
    share: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run a matrix, or what is missing of it; write its tables, pictures and page."""
    from harness.campaign.limits import Limits
    from harness.cli import run_command
    from harness.cli.output_options import Voice
    from harness.placement.executor_choice import Where

    where = Where(executor=executor, image=image, gpus=gpus, at_once=at_once, start=start, address=address)
    asked = run_command.RunOptions(
        retry_failed=retry_failed,
        mix_environments=mix_environments,
        share=share,
        limits=Limits(max_hours=max_hours, max_cost=max_cost),
        prices=prices,
        voice=Voice(is_quiet=quiet, is_json=as_json),
    )
    return run_command.run(matrix, results=results, cache=cache, where=where, asked=asked)


@harness.command()
@_MATRIX
@_RESULTS
@_CACHE
@_PRICES
@_EXECUTOR
@_IMAGE
@_GPU
@_AT_ONCE
@_ADDRESS
@_JSON
@click.option(
    "--calibrate",
    is_flag=True,
    help="Train two epochs of each backbone on each data set to learn how long they take here.",
)
@click.option(
    "--budget", metavar="TIME|USD", help="Say what would save how much where this is exceeded, as: 2 hours, $5."
)
def plan(
    matrix: Path,
    results: Path,
    cache: Path,
    prices: Path | None,
    *,
    executor: str,
    image: str | None,
    gpus: tuple[str, ...],
    at_once: int | None,
    address: str | None,
    as_json: bool,
    calibrate: bool,
    budget: str | None,
) -> int:
    """Show the cells of a matrix and what they will take; run none of them."""
    from harness.cli import plan_command
    from harness.placement.executor_choice import Where

    where = Where(executor=executor, image=image, gpus=gpus, at_once=at_once, address=address)
    return plan_command.show(
        matrix,
        results=results,
        cache=cache,
        where=where,
        prices_file=prices,
        as_json=as_json,
        calibrate=calibrate,
        budget=budget,
    )


@harness.command()
@click.argument("matrix", type=ResultsOrMatrix(), metavar="MATRIX|RESULTS")
@_RESULTS
@_PRICES
@click.option("--carbon", type=GivenPath(), help="Carbon intensities to use instead of the harness's own.")
@click.option("--grid", help="Whose electricity it was, by its name among these.  [default: world]")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Write this part alone.  [repeatable]")
@_MIX
@_QUIET
@_JSON
def tables(
    matrix: Path,
    results: Path,
    prices: Path | None,
    carbon: Path | None,
    grid: str | None,
    *,
    only: tuple[str, ...],
    mix_environments: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a matrix's tables, pictures and page again from its records.

    RESULTS is the folder that a run left, or an import made, where no matrix is at hand.
    """
    from harness.cli import missing_cells, tables_command
    from harness.cli.output_options import Voice

    figures = tables_command.Figures(prices=prices, carbon=carbon, grid=grid)
    voice = Voice(is_quiet=quiet, is_json=as_json)
    written = tables_command.write(
        matrix, results=results, figures=figures, mix_environments=mix_environments, only=only, voice=voice
    )
    if quiet or not (as_json or "tables" in written.paths):
        # Elsewhere the notes under the table or the document say so.
        missing_cells.say(missing_cells.badly_ended(written.results.recorded.cells))
    if as_json:
        streams.document(written.document(exit_code=exit_codes.OK))


@harness.command()
@_MATRIX
@_RESULTS
@_CACHE
@_EXECUTOR
@_AT_ONCE
@_START
@click.option("--max-hours", type=Amount(), help="Stop before this has taken so long; a later call goes on.")
@click.option(
    "--side-by-side", is_flag=True, help="Train all frozen heads of a batch size in one graph, which is faster."
)
@_QUIET
def record(
    matrix: Path,
    results: Path,
    cache: Path,
    *,
    executor: str,
    at_once: int | None,
    start: Start,
    max_hours: float | None,
    side_by_side: bool,
    quiet: bool,
) -> int:
    """Train every configuration of a matrix's grids, and keep all learning curves, for harness replay."""
    from harness.api import curves
    from harness.cli import curve_commands
    from harness.cli.output_options import Voice
    from harness.cli.progress import watcher

    with watcher(f"{matrix.stem}-recorded", voice=Voice(is_quiet=quiet)) as watch:
        recorded = curves.record(
            matrix,
            results=results,
            cache=cache,
            executor=executor,
            at_once=at_once,
            start=start,
            max_hours=max_hours,
            side_by_side=side_by_side,
            watch=watch,
        )
    return curve_commands.recorded(recorded)


@harness.command()
@click.argument("tables", type=GivenPath(dir_okay=False), nargs=-1, required=True, metavar="TABLE...")
@_RESULTS
@click.option(
    "--matrix",
    type=GivenPath(dir_okay=False),
    help="Whose tuners, budget, seeds and rules hold.  [default: the recorded matrix]",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Seeds of each tuner, from 1.  [default: those that were recorded]"
)
@click.option(
    "--thinking",
    type=click.Choice(["measured", "none"]),
    default="measured",
    show_default=True,
    help="Whether a tuner's own thinking takes time; without it equal replays are equal to the bit.",
)
@click.option(
    "--check",
    "real",
    type=GivenPath(file_okay=False),
    metavar="RESULTS/NAME",
    help="Replay the searches of this run instead, compare each with what really trained, and keep nothing.",
)
@click.option("--at-once", type=click.IntRange(min=1), help="Searches that run side by side.  [default: one a core]")
@_QUIET
@_JSON
def replay(
    tables: tuple[Path, ...],
    results: Path,
    *,
    matrix: Path | None,
    seeds: int | None,
    thinking: Thinking,
    real: Path | None,
    at_once: int | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Search recorded learning curves with every tuner of their matrix, in seconds; write tables, pictures and page."""
    from harness.cli import curve_commands
    from harness.cli.output_options import Voice

    voice = Voice(is_quiet=quiet, is_json=as_json)
    if real is not None:
        return curve_commands.check(tables, real, at_once=at_once, voice=voice)
    return curve_commands.replay(
        tables, matrix=matrix, results=results, seeds=seeds, thinking=thinking, at_once=at_once, voice=voice
    )


@harness.group("import")
def import_group() -> None:
    """Take in what others recorded or searched."""


_FOREIGN_METRIC = click.option(
    "--metric",
    type=click.Choice(["accuracy", "macro_f1", "weighted_f1", "micro_f1"]),
    required=True,
    help="What its scores are.",
)
_FOREIGN_NAME = click.option("--name", help="What results are called.  [default: as what is imported]")


@import_group.command("optuna")
@click.argument("storage")
@_FOREIGN_METRIC
@_FOREIGN_NAME
@click.option("--study", "studies", multiple=True, metavar="NAME", help="Take this study alone, repeatable.")
@click.option("--tuner", default="optuna", show_default=True, help="What searched, as tables call it.")
@_RESULTS
def import_optuna(
    storage: str, *, metric: Metric, name: str | None, studies: tuple[str, ...], tuner: str, results: Path
) -> None:
    """Make results of the studies in an Optuna STORAGE: a URL, a SQLite database, or a journal."""
    from harness.api import search_imports
    from harness.cli import import_command

    import_command.say(
        search_imports.import_optuna(storage, metric=metric, name=name, studies=studies, tuner=tuner, results=results)
    )


@import_group.command("keras-tuner")
@click.argument("folder", type=GivenPath(file_okay=False))
@_FOREIGN_METRIC
@_FOREIGN_NAME
@click.option("--tuner", default="keras-tuner", show_default=True, help="What searched, as tables call it.")
@_RESULTS
def import_keras_tuner(folder: Path, *, metric: Metric, name: str | None, tuner: str, results: Path) -> None:
    """Make results of a project of Keras Tuner in FOLDER, or of all projects in it."""
    from harness.api import search_imports
    from harness.cli import import_command

    import_command.say(
        search_imports.import_keras_tuner(folder, metric=metric, name=name, tuner=tuner, results=results)
    )


@import_group.command("curves")
@click.argument("file", type=GivenPath(dir_okay=False))
@_FOREIGN_METRIC
@_FOREIGN_NAME
@click.option(
    "--tuner",
    "tuners",
    multiple=True,
    metavar="NAME",
    help="What is to search it, repeatable.  [default: kt-random, kt-bayesian, optuna-tpe]",
)
@click.option(
    "--budget-epochs", type=click.IntRange(min=1), help="Epochs that a search may spend.  [default: ten trials]"
)
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs of a trial.  [default: all that the file has]")
@_RESULTS
def import_curves(
    file: Path,
    *,
    metric: Metric,
    name: str | None,
    tuners: tuple[str, ...],
    budget_epochs: int | None,
    epochs: int | None,
    results: Path,
) -> None:
    """Make a table for harness replay of learning curves in a Parquet FILE, with a row for each epoch."""
    from harness.api import curves
    from harness.cli import printing

    table = curves.import_curves(
        file,
        metric=metric,
        name=name,
        tuners=tuners or None,
        budget_epochs=budget_epochs,
        trial_epochs=epochs,
        results=results,
    )
    printing.say(f"table: {table}")
    printing.say(f"search it: harness replay {table}")


@harness.command()
@_MATRIX
@_RESULTS
@_PRICES
@click.option("--tuner", metavar="NAME", help="Choose among the searches of this tuner alone.")
@_MIX
@click.option(
    "--save",
    type=GivenPath(file_okay=False),
    help="Train each best configuration again, and leave its Keras model here; what follows is for that.",
)
@_CACHE
@_EXECUTOR
@_IMAGE
@_GPU
@_ADDRESS
@_JSON
def best(
    matrix: Path,
    results: Path,
    prices: Path | None,
    *,
    tuner: str | None,
    mix_environments: bool,
    save: Path | None,
    cache: Path,
    executor: str,
    image: str | None,
    gpus: tuple[str, ...],
    address: str | None,
    as_json: bool,
) -> None:
    """Show the best hyperparameters that a run found, what found them, and what to expect of them."""
    from harness.cli import best_command as winning
    from harness.placement.executor_choice import Where

    where = Where(executor=executor, image=image, gpus=gpus, start="fresh", address=address)
    winning.show(
        matrix,
        results=results,
        prices=prices,
        tuner=tuner,
        mix_environments=mix_environments,
        saving=None if save is None else winning.SavingModels(into=save, cache=cache, where=where),
        as_json=as_json,
    )


@harness.command()
@click.argument("source", type=ResultsOrMatrix(), metavar="RESULTS|MATRIX")
@click.option("--to", "form", type=click.Choice(list(FORMATS)), required=True, help="What opens it.")
@click.option("--output", "-o", type=GivenPath(), required=True, help="File or folder to write; it must not be there.")
@_RESULTS
@_PRICES
def export(source: Path, form: str, output: Path, results: Path, prices: Path | None) -> None:
    """Write all searches of a run as another tool keeps them, to be opened there.

    RESULTS is the folder that a run left, such as results/birds, or its URL in a store; MATRIX is looked for in the
    folder that --results names.
    """
    from harness.cli import export_command

    export_command.write(source, to=form, output=output, results=results, prices=prices)


@harness.command()
@click.argument("baseline", type=MatrixResultsPlace())
@click.argument("candidate", type=MatrixResultsPlace())
@click.option("--unlike", is_flag=True, help="Go on where machine, packages or requests differ, and say so.")
@click.option(
    "--minimum",
    "minimums",
    type=(str, float),
    multiple=True,
    metavar="MEASURE AMOUNT",
    help="Least change that counts, as: epoch 0.2 (20 %), score 0.02.  [repeatable]",
)
@_MARKDOWN
@click.option("--json", "json_file", type=_FILE, help="Write every comparison here, for programs.")
@click.option("--benchmark-json", type=_FILE, help="Write CANDIDATE's seconds here as pytest-benchmark does.")
@click.option("--history", type=_FILE, help="Add CANDIDATE to this file as one line, for harness drift.")
@_BADGE
def compare(
    baseline: Path,
    candidate: Path,
    *,
    unlike: bool,
    minimums: tuple[tuple[str, float], ...],
    markdown: Path | None,
    json_file: Path | None,
    benchmark_json: Path | None,
    history: Path | None,
    badge: Path | None,
) -> int:
    """Say whether a run is worse than an earlier one: exit code 0 no worse, 1 worse, 2 can't be compared.

    BASELINE and CANDIDATE are folders that runs left, such as results/nightly, or their URLs in a store.
    """
    from harness.cli import compare_command

    options = compare_command.Options(minimums=dict(minimums), even_if_unlike=unlike)
    outputs = compare_command.Outputs(
        markdown=markdown, json=json_file, benchmark_json=benchmark_json, history=history, badge=badge
    )
    return compare_command.show(baseline, candidate, options=options, outputs=outputs)


@harness.command()
@click.argument("history", type=GivenPath())
@click.option("--since", type=Day(), help="Leave out the nights before this date, as after a change that is accepted.")
@_MARKDOWN
@click.option("--page", type=_FILE, help="Draw the history here as an HTML page: a line for each measure and tuner.")
@click.option("--commit-url", metavar="URL", help="Where the page links commits to, with {commit} for the hash.")
@_BADGE
def drift(
    history: Path,
    *,
    since: dt.date | None,
    markdown: Path | None,
    page: Path | None,
    commit_url: str | None,
    badge: Path | None,
) -> int:
    """Look for slow regressions over weeks: exit code 0 no worse, 1 worse. HISTORY is what compare --history wrote."""
    from harness.cli import compare_command

    outputs = compare_command.DriftOutputs(markdown=markdown, page=page, commit_url=commit_url, badge=badge)
    return compare_command.show_drift(history, since=since, outputs=outputs)


@harness.command()
@click.argument("cell")
@_RESULTS
@_JSON
def show(cell: str, results: Path, *, as_json: bool) -> None:
    """Show one cell: what it was, how it ended, its trials. CELL is an id or the beginning of one."""
    from harness.cli import show_command

    show_command.show(cell, results=results, as_json=as_json)


@harness.command()
@_CACHE
@_IMAGES_FILE
@_JSON
@click.option("--gpu-check", is_flag=True, help="Try on a GPU what was never run on one; ten minutes at most.")
@click.option(
    "--output", type=_FILE, default=Path("gpu-check.md"), show_default=True, help="Report of --gpu-check, to attach."
)
def doctor(cache: Path, file: Path, *, as_json: bool, gpu_check: bool, output: Path) -> int:
    """Say what this machine can and can't do, and the remedy; always exits with 0, but for --gpu-check."""
    if gpu_check:
        from harness.cli import gpu_check as trial

        return trial.show(output, file=file, as_json=as_json)
    from harness.cli import doctor as checks

    checks.show(cache=cache, file=file, as_json=as_json)
    return exit_codes.OK


@harness.group("cache", invoke_without_command=True)
@_CACHE
@_JSON
@click.pass_context
def cache_group(context: click.Context, cache: Path, *, as_json: bool) -> None:
    """Say what lies in the cache, what for, how large it is and when it was last used."""
    context.obj = cache
    if context.invoked_subcommand is None:
        from harness.cli import cache_command

        cache_command.show(cache, as_json=as_json)


@cache_group.command("prune")
@click.option("--cache", type=GivenPath(file_okay=False), help="Another folder than that of harness cache.")
@click.option(
    "--older-than", "older_than_days", type=click.IntRange(min=0), metavar="DAYS", help="What is unused so long."
)
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("--yes", "is_meant", is_flag=True, help="Remove it; without, only say what would go.")
@click.pass_obj
def prune_cache(
    default: Path, cache: Path | None, *, older_than_days: int | None, everything: bool, is_meant: bool
) -> None:
    """Remove what can be fetched or computed again; refuse while a run uses the cache."""
    from harness.cli import cache_command

    cache_command.prune(cache or default, older_than_days=older_than_days, everything=everything, is_meant=is_meant)


@harness.command()
def schema() -> None:
    """Print the JSON schema of a matrix file, for editors."""
    from harness import matrix

    streams.document(matrix.json_schema())


@harness.group()
def images() -> None:
    """Build, verify, list and share the container images that searches run in."""


@images.command("build")
@_IMAGES
@_IMAGES_FILE
@click.option("--base", help="Base to build on, by its name in the file; by default one that this host has.")
@click.option(
    "--extra-ca",
    type=GivenPath(exists=True, dir_okay=False),
    envvar="SSL_CERT_FILE",
    help="Certificates to trust while packages are fetched, as behind a company's proxy.  [env: SSL_CERT_FILE]",
)
@click.option("--index-url", envvar="PIP_INDEX_URL", help="Package index instead of PyPI.  [env: PIP_INDEX_URL]")
@click.option("--from-nothing", is_flag=True, help="Use nothing of earlier builds.")
def build_images(
    names: tuple[str, ...],
    file: Path,
    base: str | None,
    extra_ca: Path | None,
    index_url: str | None,
    *,
    from_nothing: bool,
) -> None:
    """Build images, the CPU image by default."""
    from harness.cli import images_command

    images_command.build(names, file=file, base=base, extra_ca=extra_ca, index_url=index_url, from_nothing=from_nothing)


@images.command("verify")
@_IMAGES
@_IMAGES_FILE
def verify_images(names: tuple[str, ...], file: Path) -> int:
    """Say how images differ from what is pinned: exit code 0 if in no way, 3 if in any, 4 without an engine."""
    from harness.cli import images_command

    return images_command.verify(names, file=file)


@images.command("list")
@_IMAGES_FILE
@_JSON
def list_images(file: Path, *, as_json: bool) -> None:
    """List the declared images and what this host has of them."""
    from harness.cli import images_command

    images_command.show(file=file, as_json=as_json)


@images.command("push")
@click.argument("name")
@click.argument("target", metavar="HOST/NAME|oci:DIR")
@_IMAGES_FILE
def push_image(name: str, target: str, file: Path) -> None:
    """Send an image to a registry or into a folder, and print its name by digest."""
    from harness.cli import images_command

    images_command.push(name, target, file=file)


@images.command("pull")
@click.argument("reference", metavar="HOST/NAME@sha256:…|oci:DIR@sha256:…")
@_IMAGES_FILE
def pull_image(reference: str, file: Path) -> None:
    """Bring the one image that a digest names from a registry or a folder."""
    from harness.cli import images_command

    images_command.pull(reference, file=file)


@images.command("sbom")
@click.argument("name")
@click.option("--output", type=_FILE, default=Path("/dev/stdout"), help="File to write.  [default: standard output]")
@_IMAGES_FILE
def image_sbom(name: str, output: Path, file: Path) -> None:
    """Write what is in an image, as a CycloneDX bill of materials."""
    from harness.cli import images_command

    images_command.sbom(name, file=file, output=output)


@images.command("apptainer")
@click.argument("name")
@click.option("--base", help="Base to build on, by its name in the file; by default the first.")
@click.option("--output", type=_FILE, default=Path("/dev/stdout"), help="File to write.  [default: standard output]")
@_IMAGES_FILE
def image_apptainer(name: str, base: str | None, output: Path, file: Path) -> None:
    """Write what Apptainer builds the same image from."""
    from harness.cli import images_command

    images_command.apptainer(name, file=file, base=base, output=output)


def main() -> None:
    """Run the command line."""
    exit_codes.open_closed_streams()
    streams.accept_everything()
    sys.exit(exit_codes.code_of(lambda: harness(standalone_mode=False)))
