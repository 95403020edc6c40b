"""From a matrix to cells: every name resolved to bytes with a hash, before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from harness import environment, extensions, files, prices
from harness.backbones import weights
from harness.campaign import code_identity_cache
from harness.catalogue import tuner_libraries
from harness.catalogue.tuners import RANDOM, declared
from harness.cells import Cell, Domains, Names, OwnFile, SourceTable, WeightsTable, domains_of
from harness.datasets import resolving
from harness.environment import Identity
from harness.errors import SourceUnreachable, UserError
from harness.extensions import Kind, finding
from harness.matrix import Combination, Matrix, combinations
from harness.matrix_schema import Backbone, TunerSection
from harness.results_folder import Planned, Role

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a matrix file asks for: cells that can run, and those whose data or weights this machine can't reach."""

    matrix: Path
    cells: tuple[Cell, ...]
    unreachable: tuple[Planned, ...]

    @property
    def planned(self) -> list[Planned]:
        """Every cell of the matrix, runnable or not."""
        return [planned(cell) for cell in self.cells] + list(self.unreachable)

    @property
    def why_unreachable(self) -> tuple[str, ...]:
        """A line for each reason why cells of the matrix can't run on this machine, with how many."""
        counted = Counter(cell.reason for cell in self.unreachable)
        total = len(self.cells) + len(self.unreachable)
        return tuple(f"{count} of {total} cells can't run here: {reason}" for reason, count in counted.items())


def resolve(
    matrix: Matrix, *, cache: Path, results: Path | None = None, identity: Identity | None = None
) -> Resolution:
    """Fetch, verify and hash what the matrix names; cells are for workers of ``identity`` (None: this Python's).

    ``results`` is where each matrix has its folder of results, which must be no place of its data.

    Raises:
        UserError: A data set or weights that can't be used as asked; the line names file and key.
    """
    base = matrix.path.parent
    spec = matrix.spec
    own_results = None if results is None else results / matrix.name
    datasets: dict[str, SourceTable | SourceUnreachable] = {}
    for name, dataset in spec.datasets.items():
        with _reaching(matrix, "datasets", name, datasets):
            found = resolving.resolve(dataset, base=base, cache=cache, results=own_results)
            datasets[name] = SourceTable.model_validate(found.to_json())
    backbones: dict[str, WeightsTable | SourceUnreachable] = {}
    for name, backbone in spec.backbones.items():
        with _reaching(matrix, "backbones", name, backbones):
            size = spec.protocol.image_size
            found_weights = weights.resolve(backbone, image_size=size, base=base, cache=cache)
            backbones[name] = WeightsTable.model_validate(asdict(found_weights))
    own = _own(matrix, base=base)
    # Made once, as thousands of cells share them.
    domains = {name: domains_of(space) for name, space in matrix.spaces.items()}
    workers = environment.identity() if identity is None else identity
    cells: list[Cell] = []
    unreachable: list[Planned] = []
    for combination in combinations(spec):
        source, weight = datasets[combination.dataset], backbones[combination.backbone]
        if isinstance(source, SourceUnreachable):
            unreachable.append(_unreachable(combination, source))
        elif isinstance(weight, SourceUnreachable):
            unreachable.append(_unreachable(combination, weight))
        else:
            cells.append(_cell(matrix, combination, source, weight, workers, own=own, domains=domains))
    return Resolution(matrix=matrix.path, cells=tuple(cells), unreachable=tuple(unreachable))


@dataclass(frozen=True, slots=True)
class _Own:
    """The user's own code that the matrix names, with its hashes; models and tuners by their sections' names."""

    models: Mapping[str, OwnFile]
    tuners: Mapping[str, OwnFile]
    metric: OwnFile | None
    meter: OwnFile | None


def planned(cell: Cell, *, role: Role = "search", parent_group: str | None = None) -> Planned:
    """Return ``cell`` as a line of the plan."""
    return Planned(
        id=cell.id, group=cell.group, seed=cell.seed, role=role, parent_group=parent_group, **cell.names.model_dump()
    )


def _cell(
    matrix: Matrix,
    combination: Combination,
    source: SourceTable,
    weight: WeightsTable,
    workers: Identity,
    *,
    own: _Own,
    domains: Mapping[str, Domains],
) -> Cell:
    spec = matrix.spec
    backbone, tuner = spec.backbones[combination.backbone], spec.tuners[combination.tuner]
    dataset = spec.datasets[combination.dataset]
    return Cell(
        names=Names(
            dataset=combination.dataset,
            backbone=combination.backbone,
            tuner=combination.tuner,
            hyperparameters=combination.hyperparameters,
        ),
        dataset=dataset,
        source=source,
        backbone=backbone,
        weights=weight,
        model_file=own.models.get(combination.backbone),
        tuner=tuner,
        tuner_file=own.tuners.get(combination.tuner),
        domains=domains[combination.hyperparameters],
        budget=spec.budget,
        protocol=spec.protocol,
        metric_file=own.metric,
        meter_file=own.meter,
        seed=combination.seed,
        environment=workers.environment,
        tuner_packages=environment.packages_beside(workers.environment, tuner_libraries.own_packages(tuner.tuner)),
        code=code_identity_cache.of_cell(
            library=declared(tuner.tuner).library, model=backbone.model, data=dataset.source
        ),
        training_code=code_identity_cache.of_training(model=backbone.model, data=dataset.source),
        # Of random search every order of trials is looked at, and any of them may become an incumbent.
        audit="trial" if tuner.tuner in RANDOM else "incumbent",
        prices=None if spec.budget.cost_usd is None else prices.digest(),
    )


def _own(matrix: Matrix, *, base: Path) -> _Own:
    spec = matrix.spec
    return _Own(
        models=_of_sections(matrix, "backbones", extensions.MODEL, spec.backbones, base=base),
        tuners=_of_sections(matrix, "tuners", extensions.TUNER, spec.tuners, base=base),
        metric=_of_protocol(matrix, extensions.METRIC, spec.protocol.own_metric, base=base),
        meter=_of_protocol(matrix, extensions.METER, spec.protocol.meter, base=base),
    )


def _of_protocol(matrix: Matrix, of: Kind, given: str | None, *, base: Path) -> OwnFile | None:
    if given is None:
        return None
    with _at(matrix, "protocol"):
        return OwnFile.model_validate(finding.find(of, given, base=base))


def _of_sections(
    matrix: Matrix, kind: str, of: Kind, sections: Mapping[str, Backbone] | Mapping[str, TunerSection], *, base: Path
) -> dict[str, OwnFile]:
    found: dict[str, OwnFile] = {}
    for name, section in sections.items():
        if section.path is not None:
            with _at(matrix, kind, name):
                found[name] = OwnFile.model_validate(finding.find(of, section.path, base=base))
    return found


def _unreachable(combination: Combination, error: SourceUnreachable) -> Planned:
    names = asdict(combination)
    group = files.digest({name: names[name] for name in ("dataset", "backbone", "hyperparameters")})[:16]
    return Planned(id=f"unreachable-{files.digest(names)[:16]}", group=group, reason=str(error), **names)


@contextmanager
def _at(matrix: Matrix, *key: str) -> Iterator[None]:
    """Name file and key in a user's mistake."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{matrix.path}: {'.'.join(key)}: {error}") from error


@contextmanager
def _reaching(matrix: Matrix, section: str, name: str, found: dict[str, _Found | SourceUnreachable]) -> Iterator[None]:
    """Do the same, and keep an unreachable source as the reason of its missing cells."""
    try:
        with _at(matrix, section, name):
            yield
    except SourceUnreachable as error:
        found[name] = error
