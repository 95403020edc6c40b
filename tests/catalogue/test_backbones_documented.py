from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from harness.catalogue.backbones import COLUMNS, rows

PAGE = Path(__file__).parents[2] / "docs" / "backbones.md"


def test_the_page_of_backbones_lists_the_catalogue() -> None:
    cells = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows()]
    table = tabulate(cells, headers=COLUMNS, tablefmt="github", colalign=("left", "right", "right", "right", "left"))

    assert PAGE.read_text("utf-8").endswith(f"\n\n{table}\n"), f"replace the table in {PAGE} by:\n{table}"
