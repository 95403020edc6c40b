"""What every reader of data promises: see docs/add-a-data-set.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.datasets.extracted_images import Picture


class DataContract:
    """What every reader of data promises; derive from it in a test file, and define ``data`` and ``read``."""

    data: Path
    """The folder or file that it is tried on."""

    def read(self, data: Path) -> Iterable[object]:
        """Return the pictures in ``data``, as the file's ``read`` does."""
        raise NotImplementedError

    def test_it_reads_pictures_with_labels(self) -> None:
        """Each is a mapping with what the harness takes, and together they are a data set of two classes or more."""
        # What follows needs Pillow; the rest of this package doesn't.
        from harness.datasets import extracted_images  # noqa: PLC0415

        with TemporaryDirectory() as folder:
            extracted_images.write(Path(folder), self._pictures(), origin=self.data)

    def test_it_reads_the_same_again(self) -> None:
        """Pictures are read once and kept: another reading would be another data set under the same name."""
        assert self._pictures() == self._pictures()

    def _pictures(self) -> list[Picture]:
        from harness.datasets import own_data  # noqa: PLC0415 - see above

        folder = self.data if self.data.is_dir() else self.data.parent
        return list(own_data.pictures(self.read(self.data), Path("read"), folder))
