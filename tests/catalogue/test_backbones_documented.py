from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from harness.catalogue.backbones import KNOWN, KnownBackbone

PAGE = Path(__file__).parents[2] / "docs" / "backbones.md"
COLUMNS = ("backbone", "parameters", "with classifier", "features", "weights")


def row(known: KnownBackbone) -> tuple[str, ...]:
    counts = (known.parameters, known.parameters_with_classifier, known.features)
    imagenet = ["imagenet"] if known.imagenet else []
    packaged = [] if known.packaged is None else [f"packaged ({known.packaged.trained_on})"]
    return known.name, *(f"{count:,}" for count in counts), ", ".join([*imagenet, *packaged])


def test_the_page_of_backbones_lists_the_catalogue() -> None:
    cells = [row(known) for known in KNOWN.values()]
    table = tabulate(cells, headers=COLUMNS, tablefmt="github", colalign=("left", "right", "right", "right", "left"))

    assert PAGE.read_text("utf-8").endswith(f"\n\n{table}\n"), f"replace the table in {PAGE} by:\n{table}"
