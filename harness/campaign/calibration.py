"""Short trainings by which a machine learns how long a matrix's epochs take here."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness import cache_inventory
from harness.campaign import forecast, matrix_resolution
from harness.campaign.events import Watch
from harness.campaign.folder_holding import only_one
from harness.campaign.matrix_resolution import Resolution
from harness.campaign.wave_runner import Runner
from harness.matrix import Matrix
from harness.placement import required_libraries
from harness.placement.executor_choice import Where
from harness.results_folder import MatrixFolder


def calibrate(matrix: Matrix, folder: MatrixFolder, *, cache: Path, where: Where, watch: Watch) -> Resolution:
    """Train two epochs of each backbone on each data set, unless ``folder`` has them; return the matrix's cells.

    Data and activations of frozen layers are prepared for that, and kept in ``cache`` for the searches.

    Raises:
        UserError: Data or weights can't be used as asked.
        MachineError: The machine can't run it; says the way out.
    """
    spec = matrix.spec
    with (
        only_one(folder),
        cache_inventory.used(cache),
        where.in_image_of(spec.container).working(
            campaign=folder.path,
            container=spec.container,
            device=spec.device,
            admit=partial(required_libraries.check, matrix),
        ) as here,
    ):
        identity = here.executor.identity()
        resolved = matrix_resolution.resolve(matrix, cache=cache, results=folder.path, identity=identity)
        runner = Runner(folder=folder, executor=here.executor, cache=cache, watch=watch, slots=here.slots)
        runner.run(forecast.calibrations(resolved.cells), retry_failed=True)
        return resolved
