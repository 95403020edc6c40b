"""Small packages, as wheels and as what an installer leaves of them."""

from __future__ import annotations

import base64
import hashlib
import importlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TAG = "py3-none-any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A distribution: what its files hold, and its entry points by group and name."""

    name: str = "near-the-best"
    version: str = "1.0"
    files: Mapping[str, str] = field(default_factory=lambda: {"near_the_best/__init__.py": "def create(): return 1\n"})
    entry_points: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: {"harness.tuners": {"near-the-best": "near_the_best:create"}}
    )

    @property
    def stem(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def contents(self) -> dict[str, str]:
        """The text of each file of its wheel."""
        metadata = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        groups = "\n".join(
            "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), ""])
            for group, points in self.entry_points.items()
        )
        folder = f"{self.stem}.dist-info"
        held = {
            **self.files,
            f"{folder}/METADATA": metadata,
            f"{folder}/WHEEL": f"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: {TAG}\n",
            f"{folder}/entry_points.txt": groups,
        }
        lines = [f"{name},{_recorded(text)},{len(text.encode())}" for name, text in held.items()]
        return {**held, f"{folder}/RECORD": "\n".join([*lines, f"{folder}/RECORD,,", ""])}

    def wheel(self, folder: Path) -> Path:
        """Write it as a wheel."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.stem}-{TAG}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in self.contents.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        return path

    def install(self, folder: Path) -> Path:
        """Leave what an installer leaves of a wheel without compiled parts: its files."""
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.wheel(folder.parent / "wheels")) as archive:
            archive.extractall(folder)
        importlib.invalidate_caches()
        return folder


def _recorded(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
