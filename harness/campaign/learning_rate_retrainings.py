"""After the searches: each group's best configuration, retrained at multiples of its learning rate.

The comparison is that of Nazir and Kaleem (2024, Fig. 13): test score at the learning rate found, ten times it and a
tenth of it. All else stays as found, at full fidelity, over the same seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from harness.analysis import MatrixResults, SearchResult, Status, best_configurations
from harness.campaign import code_identity_cache
from harness.catalogue.tuners import KNOWN as TUNERS
from harness.catalogue.tuners import RETRAINING
from harness.cells import Cell, Names, domains_of
from harness.hyperparameters import KNOWN
from harness.matrix_schema import Budget, TunerSection
from harness.search_types import Parameters
from harness.space import Choice, Domain, Fixed, Space

# What trains listed configurations one after another, in any order.
_RETRAINER = "optuna-grid"


def cells(searched: Sequence[Cell], results: MatrixResults) -> list[tuple[Cell, str]]:
    """Return the retraining cells, each with the group of searches that it belongs to.

    A group's best configuration is that of the search with the highest validation score, over all its tuners and seeds.
    Groups without a finished search that has a score have none.
    """
    by_group: dict[str, list[Cell]] = defaultdict(list)
    for cell in searched:
        by_group[cell.group].append(cell)
    found = []
    for group, members in by_group.items():
        best = _best(group, results)
        if best is not None and members[0].protocol.learning_rate_factors:
            found += [(_retraining(cell, best.best), group) for cell in _one_of_each_seed(members)]
    return found


def expected(searched: Sequence[Cell]) -> list[Cell]:
    """Return cells as long as the retrainings that will follow, before it is known which configuration is best."""
    asking = [cell for cell in searched if cell.protocol.learning_rate_factors and "learning_rate" in cell.domains]
    one_each = {(cell.group, cell.seed): cell for cell in asking}
    return [_retraining(cell, cell.space.defaults) for cell in one_each.values()]


def ahead(searched: Sequence[Cell], results: MatrixResults) -> list[Cell]:
    """Return the retrainings that the results ask for, and cells as long as those that are not known yet.

    Nothing follows a group whose searches all ended in failure.
    """
    known = cells(searched, results)
    ended = {search.planned.id for search in results.searches if search.status is not Status.MISSING}
    unknown = {cell.group for cell in searched if cell.id not in ended} - {group for _, group in known}
    return [cell for cell, _ in known] + expected([cell for cell in searched if cell.group in unknown])


def _best(group: str, results: MatrixResults) -> SearchResult | None:
    return best_configurations.best(search for search in results.searches if search.planned.group == group)


def _one_of_each_seed(members: Sequence[Cell]) -> list[Cell]:
    return list({cell.seed: cell for cell in reversed(members)}.values())[::-1]


def _retraining(cell: Cell, best: Parameters) -> Cell:
    factors = cell.protocol.learning_rate_factors
    found = float(best.get("learning_rate", KNOWN["learning_rate"].default))
    domains: dict[str, Domain] = {name: Fixed(value=value) for name, value in best.items()}
    rates = tuple(factor * found for factor in sorted(factors))
    domains["learning_rate"] = Choice(choices=rates, default=found) if len(rates) > 1 else Fixed(value=found)
    full = cell.protocol.epochs_per_trial
    return cell.model_copy(
        update={
            "names": Names(**{**cell.names.model_dump(), "tuner": RETRAINING}),
            "tuner": TunerSection(tuner=_RETRAINER),
            "tuner_file": None,
            "tuner_packages": None,
            "code": code_identity_cache.of_cell(
                library=TUNERS[_RETRAINER].library, model=cell.backbone.model, data=cell.dataset.source
            ),
            "domains": domains_of(Space(domains)),
            "budget": Budget(epochs=full * len(rates)),
            "audit": "trial",
        }
    )
