"""What pyproject.toml can't say: a wheel brings what images are made from, and matrices."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# Beside the package in a checkout. harness/container_images/declarations.py looks for them in either place, and for
# matrices harness/api/given_paths.py.
SOURCES = (
    ".dockerignore",
    "benchmarks/demo.toml",
    "benchmarks/gpu.toml",
    "benchmarks/nightly.toml",
    "benchmarks/smoke.toml",
    "docker",
    "pyproject.toml",
    "requirements/image-cpu.txt",
    "requirements/image-gpu.txt",
    "requirements/setup.txt",
)


class BuildWithImageSources(build_py):
    """Copy the sources of images into the package."""

    def run(self) -> None:
        """Build the package, then copy."""
        super().run()
        # Inside an image, which makes none, they aren't there; an editable installation has the checkout.
        if self.editable_mode or not Path("docker", "Dockerfile").is_file():
            return
        for name in SOURCES:
            target = Path(self.build_lib, "harness", "image_sources", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(name).is_dir():
                shutil.copytree(name, target, dirs_exist_ok=True)
            else:
                shutil.copy(name, target)


setup(cmdclass={"build_py": BuildWithImageSources})
