"""What every model promises: see docs/add-a-model.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras


class ModelContract:
    """What every model promises; derive from it in a test file, and define ``create``."""

    image_size = 64
    """Height and width of the images that it is tried on."""

    def create(self, *, image_size: int) -> keras.Model:
        """Return a new model, as the file's ``create`` does."""
        raise NotImplementedError

    def test_it_makes_features_of_images(self) -> None:
        """One tensor of images in, one of pooled features out, in the model's own graph."""
        # What follows needs Keras; the rest of this package doesn't.
        from harness.backbones import own_model  # noqa: PLC0415

        assert own_model.mistake(self._made(), image_size=self.image_size) is None

    def test_equal_seeds_give_equal_weights(self) -> None:
        """Every search of a seed begins with the same network."""
        first, again = (self._made().get_weights() for _ in range(2))

        assert [one.shape for one in first] == [one.shape for one in again]
        assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))

    def test_features_are_finite_and_tell_images_apart(self) -> None:
        """Of images from 0 to 255, with whatever the network rescales inside."""
        features = np.asarray(self._made()(self._images(), training=False))

        assert np.isfinite(features).all()
        assert np.ptp(features, axis=0).max() > 0

    def _made(self) -> keras.Model:
        import keras  # noqa: PLC0415 - see above

        keras.utils.set_random_seed(1)
        return self.create(image_size=self.image_size)

    def _images(self) -> npt.NDArray[np.float32]:
        return np.random.default_rng(1).uniform(0, 255, (3, self.image_size, self.image_size, 3)).astype(np.float32)
