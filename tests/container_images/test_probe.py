from __future__ import annotations

import base64
import hashlib
from importlib import metadata
from pathlib import Path

from harness.container_images import probe


def recorded(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def packages(folder: Path) -> list[metadata.Distribution]:
    """Install a package of one module, ``thing``, as an installer does."""
    (folder / "thing").mkdir()
    (folder / "thing/__init__.py").write_bytes(b"x = 1\n")
    (folder / "thing-1.0.dist-info").mkdir()
    (folder / "thing-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: Thing\nVersion: 1.0\n")
    lines = [f"thing/__init__.py,{recorded(b'x = 1' + bytes([10]))},6"]
    lines += [f"thing-1.0.dist-info/{name},," for name in ("METADATA", "RECORD")]
    (folder / "thing-1.0.dist-info/RECORD").write_text("\n".join(lines) + "\n")
    # Not by the finders of this process, which a package may have replaced: mlflow's hides files that are missing.
    return [metadata.PathDistribution(folder / "thing-1.0.dist-info")]


def test_a_lock_is_read_for_this_platform_alone() -> None:
    lock = """\
numpy==2.4.6 ; python_full_version >= '3.0' \\
    --hash=sha256:0
numpy==1.0 ; python_full_version < '3.0' \\
    --hash=sha256:0
    # via keras
Typing_Extensions==4.16.0 \\
    --hash=sha256:0
colorama==0.4.6 ; sys_platform == 'nowhere' \\
    --hash=sha256:0
"""

    assert probe.locked(lock) == {"numpy": "2.4.6", "typing-extensions": "4.16.0"}


def test_an_empty_lock_asks_for_nothing() -> None:
    assert probe.locked("") == {}


def test_packages_as_installed_are_unaltered(tmp_path: Path) -> None:
    assert list(probe.altered(packages(tmp_path))) == []


def test_a_changed_and_a_missing_file_are_found(tmp_path: Path) -> None:
    installed = packages(tmp_path)

    (tmp_path / "thing/__init__.py").write_bytes(b"x = 2\n")
    assert list(probe.altered(installed)) == ["thing/__init__.py was changed"]
    (tmp_path / "thing/__init__.py").unlink()
    assert list(probe.altered(installed)) == ["thing/__init__.py is missing"]


def test_a_file_that_no_package_brought_is_found(tmp_path: Path) -> None:
    installed = packages(tmp_path)
    (tmp_path / "code.pth").write_text("/opt/code")
    (tmp_path / "thing/__pycache__").mkdir()
    (tmp_path / "thing/__pycache__/__init__.cpython-311.pyc").write_bytes(b"")
    assert list(probe.unrecorded(installed, tmp_path)) == []

    (tmp_path / "sitecustomize.py").write_text("import os\n")
    (tmp_path / "thing/code.pth").write_text("import os\n")

    assert list(probe.unrecorded(installed, tmp_path)) == ["sitecustomize.py", "thing/code.pth"]
