from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.statistics.studentised_range_test import Contrasts, contrasts

ALPHAS = (0.001, 0.01, 0.04, 0.05, 0.2, 0.5)


def _known(table: object) -> Contrasts:
    found = contrasts(np.asarray(table).tolist())
    assert found is not None
    return found


def _drawn(seed: int, *, rows: int = 5, columns: int = 4, apart: float = 1.0) -> NDArray[np.float64]:
    """Columns that lie ``apart`` standard deviations from one to the next, in no order."""
    random = np.random.default_rng(seed)
    means = random.permutation(columns) * apart
    return np.asarray(random.normal(means, 1.0, (rows, columns)) + random.normal(0.0, 3.0, (rows, 1)))


def _distances(table: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """The studentised distance of each two columns, spelt out."""
    rows, columns = table.shape
    left = [
        [table[i, j] - table[i].mean() - table[:, j].mean() + table.mean() for j in range(columns)] for i in range(rows)
    ]
    pooled = sum(each**2 for row in left for each in row) / ((rows - 1) * (columns - 1))
    found = {}
    for one, other in itertools.permutations(range(columns), 2):
        own = np.var(table[:, one] - table[:, other], ddof=1)
        error = math.sqrt(max(2 * pooled, own) / rows)
        found[one, other] = abs(table[:, one].mean() - table[:, other].mean()) / error * math.sqrt(2)
    return found


def _by_brute_force(table: NDArray[np.float64], alpha: float) -> set[tuple[int, int]]:
    """REGWQ over all subsets of columns: two differ where each subset that holds both has too long a range."""
    columns = table.shape[1]
    df = (table.shape[0] - 1) * (columns - 1)
    means, distances = table.mean(axis=0), _distances(table)
    rejected = {}
    for size in range(2, columns + 1):
        level = alpha if size >= columns - 1 else 1 - (1 - alpha) ** (size / columns)
        critical = stats.studentized_range.isf(level, size, df)
        for subset in itertools.combinations(range(columns), size):
            best, worst = max(subset, key=means.__getitem__), min(subset, key=means.__getitem__)
            rejected[subset] = distances[best, worst] > critical
    return {
        (one, other)
        for one, other in itertools.permutations(range(columns), 2)
        if means[one] > means[other]
        and all(found for subset, found in rejected.items() if one in subset and other in subset)
    }


# Of the first more pairs differ than by Tukey's range of all columns, and fewer than without any care; of the second
# fewer than by Tukey's.
@pytest.mark.seconds
@pytest.mark.parametrize("seed", [1, 3])
def test_the_pairs_that_differ_are_those_of_regwq_by_brute_force(seed: int) -> None:
    table = _drawn(seed)
    found = _known(table)
    for alpha in (0.01, 0.05, 0.2):
        assert found.differ(alpha) == _by_brute_force(table, alpha), alpha


@pytest.mark.parametrize("seed", range(3))
def test_the_first_step_is_tukey_s_studentised_range_of_all_columns(seed: int) -> None:
    table = _drawn(seed)
    found = _known(table)
    best, worst = found.order[0], found.order[-1]
    expected = stats.studentized_range.sf(_distances(table)[best, worst], 4, 12)
    assert found.p[best, worst] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_two_columns_are_compared_by_a_paired_t_test(seed: int) -> None:
    table = _drawn(seed, rows=3 + seed, columns=2)
    expected = stats.ttest_rel(table[:, 0], table[:, 1]).pvalue
    assert _known(table).p[0, 1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_pair_differs_at_the_levels_above_its_p_and_at_no_others(seed: int) -> None:
    found = _known(_drawn(seed, columns=5, rows=4))
    for alpha in (*ALPHAS, *(p + shift for p in set(found.p.values()) for shift in (-1e-9, 1e-9))):
        below = {pair for pair, p in found.p.items() if p < alpha}
        assert {frozenset(pair) for pair in found.differ(alpha)} == {frozenset(pair) for pair in below}


def test_no_pair_has_a_smaller_p_than_a_pair_around_it() -> None:
    found = _known(_drawn(3, columns=6))
    places = range(len(found.order))
    for outer in itertools.combinations(places, 2):
        for inner in itertools.combinations(range(outer[0], outer[1] + 1), 2):
            assert (
                found.p[found.order[inner[0]], found.order[inner[1]]]
                >= found.p[found.order[outer[0]], found.order[outer[1]]]
            )


def test_what_all_columns_share_on_a_row_changes_nothing() -> None:
    table = _drawn(1)
    shifted = table + np.array([[1.0], [-5.0], [0.0], [40.0], [2.0]])
    assert _known(shifted).p == pytest.approx(_known(table).p)


def test_a_column_that_scatters_more_is_judged_by_its_own_scatter() -> None:
    rows = np.array([0.5, -1.0, 1.0, -0.5, 0.0])
    quiet = [0.01 * rows[order] for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 2, 4, 3], [3, 2, 0, 1, 4])]
    found = _known(np.array([*quiet, 0.95 + rows]).T)
    # The pooled error alone would cry wolf: one wild column is a fifth of it.
    by_pooled = 0.95 / (found.error / math.sqrt(5))
    assert stats.studentized_range.sf(by_pooled, 5, 16) < 0.01
    assert min(found.p.values()) > 0.05


def test_where_pairs_scatter_alike_the_pooled_error_counts() -> None:
    table = _drawn(0, rows=6)
    found, distances = _known(table), _distances(table)
    pooled = [abs(found.means[one] - found.means[other]) / (found.error / math.sqrt(6)) for one, other in distances]
    assert all(distance <= most + 1e-9 for distance, most in zip(distances.values(), pooled, strict=True))
    assert any(distance == pytest.approx(most) for distance, most in zip(distances.values(), pooled, strict=True))


@pytest.mark.parametrize("table", [[[0.5, 0.5], [0.7, 0.7]], [[0.5] * 4] * 3, [[0.0] * 3] * 2])
def test_exact_ties_are_no_difference(table: list[list[float]]) -> None:
    found = _known(table)
    assert found.differ(0.5) == frozenset()
    assert set(found.p.values()) == {1.0}
    assert found.cliques(0.05) == (tuple(range(len(table[0]))),)
    assert found.order == tuple(range(len(table[0])))


def test_a_difference_in_the_last_bit_is_none() -> None:
    # Sums in another order: equal on paper.
    found = _known([[0.1 + 0.2, 0.3], [0.3, 0.3], [0.3, 0.3]])
    assert found.differ(0.9) == frozenset()
    assert found.order == (0, 1)


def test_a_difference_that_never_varies_is_certain() -> None:
    found = _known([[0.5, 0.75], [0.25, 0.5]])
    assert found.differ(1e-9) == {(1, 0)}
    assert found.p[0, 1] == 0.0
    assert found.smallest_effect(0.05) == 0.0


def test_a_difference_that_hardly_varies_is_nearly_certain() -> None:
    found = _known([[0.5, 0.6, 0.7], [0.7, 0.8, 0.9], [0.1, 0.2, 0.3 + 1e-13]])
    assert found.differ(0.01) == {(2, 1), (2, 0), (1, 0)}
    assert not any(math.isnan(p) for p in found.p.values())


@pytest.mark.parametrize("table", [[], [[]], [[0.5]], [[0.5, 0.6]], [[0.5], [0.6]]])
def test_fewer_than_two_columns_or_rows_cant_be_compared(table: list[list[float]]) -> None:
    assert contrasts(table) is None


def test_cliques_are_the_longest_runs_without_a_difference() -> None:
    # 0 and 1 are alike, 2 lies between 1 and 3, and 4 is alone.
    random = np.random.default_rng(5)
    table = np.array([4.0, 3.9, 3.0, 2.1, -9.0]) + random.normal(0.0, 0.5, (6, 5))
    found = _known(table)
    differ = found.differ(0.05)
    runs = [found.order[first : last + 1] for first in range(5) for last in range(first + 1, 5)]
    alike = [run for run in runs if not any(pair in differ for pair in itertools.combinations(run, 2))]
    longest = [run for run in alike if not any(set(run) < set(other) for other in alike)]
    assert found.cliques(0.05) == tuple(longest)
    assert len(longest) > 1
    assert not any(4 in clique for clique in found.cliques(0.05))


def test_where_all_differ_there_is_no_clique() -> None:
    assert _known([[1.0, 2.0, 3.0], [1.1, 2.0, 3.0], [1.0, 2.1, 3.0]]).cliques(0.05) == ()


@pytest.mark.seconds
@pytest.mark.parametrize(("rows", "columns"), [(5, 2), pytest.param(10, 4, marks=pytest.mark.slow)])
def test_the_smallest_effect_is_found_about_four_times_in_five(rows: int, columns: int) -> None:
    random = np.random.default_rng(1)
    times = 100
    error = random.normal(0.0, 1.0, (times, rows, columns))
    effect = float(np.mean([_known(table).smallest_effect(0.05) / _known(table).error for table in error[:20]]))
    error[:, :, -1] += effect
    found = sum((columns - 1, 0) in _known(table).differ(0.05) for table in error) / times
    # The binomial standard error is 4 %. It is about the pair alone, before the larger of two errors is taken.
    assert 0.68 < found < 0.92


def test_more_seeds_find_smaller_effects_and_more_columns_need_larger_ones() -> None:
    few, many = (_known(_drawn(1, rows=rows, apart=0.0)) for rows in (4, 40))
    assert many.smallest_effect(0.05) / many.error < few.smallest_effect(0.05) / few.error
    wide = _known(_drawn(1, rows=40, columns=12, apart=0.0))
    assert wide.smallest_effect(0.05) / wide.error > many.smallest_effect(0.05) / many.error
