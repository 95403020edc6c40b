"""The commands. Whatever they need is imported where it is used, so that ``--help`` answers at once."""
# ruff: noqa: PLC0415 - see the first line

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from harness import __version__
from harness.cli import exits, places

EXECUTORS = ("local", "docker")
_MATRIX = click.argument("matrix", type=click.Path(path_type=Path))
_RESULTS = click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=places.RESULTS,
    show_default=True,
    help="Folder that results go into, one folder for each matrix.",
)
_CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="HARNESS_CACHE",
    default=lambda: Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuner-harness",
    show_default="~/.cache/tuner-harness",
    help="Folder for downloads, decoded images and activations.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def harness() -> None:
    """Which tuner gives the most F1 for your compute, and what did each search cost?

    MATRIX is a TOML file: data sets × backbones × tuners × hyperparameter sets × seeds.
    """


@harness.command()
@_MATRIX
@_RESULTS
@_CACHE
@click.option("--executor", type=click.Choice(EXECUTORS), default="local", show_default=True, help="Where cells run.")
@click.option("--image", help="Image that containers run.  [default: tuner-harness:cpu, or :gpu with --gpu]")
@click.option("--gpu", help="UUID or index of the one GPU that containers get.")
@click.option("--retry-failed", is_flag=True, help="Search cells that ended in failure anew.")
def run(
    matrix: Path,
    results: Path,
    cache: Path,
    *,
    executor: str,
    image: str | None,
    gpu: str | None,
    retry_failed: bool,
) -> int:
    """Run a matrix, or what is missing of it, and write its tables."""
    from harness.cli import running
    from harness.cli.executors import Where

    where = Where(executor=executor, image=image, gpu=gpu)
    return running.run(matrix, results=results, cache=cache, where=where, retry_failed=retry_failed)


@harness.command()
@_MATRIX
@_RESULTS
@_CACHE
@_JSON
@click.option("--calibrate", is_flag=True, help="Train an epoch of each backbone to learn how long one takes here.")
def plan(matrix: Path, results: Path, cache: Path, *, as_json: bool, calibrate: bool) -> None:
    """Show the cells of a matrix and what they will take; run none of them."""
    from harness.cli import planning

    planning.show(matrix, results=results, cache=cache, as_json=as_json, calibrate=calibrate)


@harness.command()
@_MATRIX
@_RESULTS
@click.option("--prices", type=click.Path(path_type=Path), help="Price file to use instead of the harness's own.")
def tables(matrix: Path, results: Path, prices: Path | None) -> None:
    """Write a matrix's tables again from its records."""
    from harness.cli import running

    running.tables(matrix, results=results, prices_file=prices)


@harness.command()
@click.argument("cell")
@_RESULTS
@_JSON
def show(cell: str, results: Path, *, as_json: bool) -> None:
    """Show one cell: what it was, how it ended, its trials. CELL is an id or the beginning of one."""
    from harness.cli import showing

    showing.show(cell, results=results, as_json=as_json)


@harness.command()
@_CACHE
@_JSON
def doctor(cache: Path, *, as_json: bool) -> None:
    """Say what this machine can and can't do, and the remedy."""
    from harness.cli import doctor as checks

    checks.show(cache=cache, as_json=as_json)


@harness.command()
def schema() -> None:
    """Print the JSON schema of a matrix file, for editors."""
    from harness import matrix

    click.echo(json.dumps(matrix.json_schema(), indent=1, ensure_ascii=False))


def main() -> None:
    """Run the command line."""
    sys.exit(exits.code_of(lambda: harness(standalone_mode=False)))
