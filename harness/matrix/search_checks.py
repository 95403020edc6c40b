"""What is wrong with the searches that a matrix asks for, once each section is right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness import matrix_schema
from harness.catalogue import tuners
from harness.matrix.expansion import Combination, combinations, included, matches
from harness.matrix.mistakes import Key, Mistake, dotted, show, unknown
from harness.space import Choice, Domain, Range, Space


def judged(matrix: matrix_schema.Document, spaces: Mapping[str, Space]) -> Iterator[Mistake]:
    """Yield rules that make no sense, and searches whose parts don't go together."""
    rules = list(_rules(matrix))
    if rules:
        yield from rules
        return
    left = combinations(matrix)
    if not left:
        yield Mistake(key=("exclude",), text="leaves no search to run; remove a rule")
    yield from _tuners(matrix, spaces, left)
    yield from _depths(matrix, spaces, left)


def _rules(matrix: matrix_schema.Document) -> Iterator[Mistake]:
    mistakes = [
        mistake
        for kind, rules in (("include", matrix.include), ("exclude", matrix.exclude))
        for place, rule in enumerate(rules)
        for mistake in _rule((kind, place), rule, matrix)
    ]
    # Which searches a rule matches is only known once every name is.
    yield from mistakes or _idle(matrix)


def _rule(key: Key, rule: matrix_schema.Rule, matrix: matrix_schema.Document) -> Iterator[Mistake]:
    parts = (
        ("dataset", rule.dataset, matrix.datasets),
        ("backbone", rule.backbone, matrix.backbones),
        ("tuner", rule.tuner, matrix.tuners),
        ("hyperparameters", rule.hyperparameters, matrix.hyperparameters),
        ("seed", _texts(rule.seed), [str(seed) for seed in matrix.seeds]),
    )
    if all(names is None for _, names, _ in parts):
        listed = ", ".join(part for part, _, _ in parts)
        yield Mistake(key=key, text=f"names no part, so it matches every search; name one of {listed}")
    for part, names, known in parts:
        for name in names or ():
            if name not in known:
                yield Mistake(key=(*key, part), text=unknown(part, name, known))


def _texts(seeds: list[int] | None) -> list[str] | None:
    return None if seeds is None else [str(seed) for seed in seeds]


def _idle(matrix: matrix_schema.Document) -> Iterator[Mistake]:
    searches = included(matrix)
    for place, rule in enumerate(matrix.exclude):
        if not any(matches(rule, search) for search in searches):
            text = "matches no search, because include leaves none of these; remove it"
            yield Mistake(key=("exclude", place), text=text)


def _tuners(matrix: matrix_schema.Document, spaces: Mapping[str, Space], left: list[Combination]) -> Iterator[Mistake]:
    for name, hyperparameters in dict.fromkeys((each.tuner, each.hyperparameters) for each in left):
        for line in tuners.mistakes(matrix.tuners[name], spaces[hyperparameters]):
            where, _, text = line.partition(": ")
            with_set = dotted(("hyperparameters", hyperparameters))
            yield Mistake(key=("tuners", name, *where.split(".", 1)), text=f"with {with_set}: {text}")


def _depths(matrix: matrix_schema.Document, spaces: Mapping[str, Space], left: list[Combination]) -> Iterator[Mistake]:
    for name, space in spaces.items():
        if "fine_tune_depth" not in space.domains:
            continue
        used = dict.fromkeys(each.backbone for each in left if each.hyperparameters == name)
        unfit = [each for each in used if not matrix.backbones[each].train.startswith("last:")]
        if unfit:
            train = matrix.backbones[unfit[0]].train
            text = f"needs train = 'last:N', but backbone {show(unfit[0])} has {train!r}; change it or exclude the pair"
            yield Mistake(key=("hyperparameters", name, "fine_tune_depth"), text=text)
            continue
        most = int(_largest(space.domains["fine_tune_depth"]))
        shallow = [each for each in used if int(matrix.backbones[each].train.removeprefix("last:")) < most]
        if shallow:
            train = matrix.backbones[shallow[0]].train
            text = f"{most} layers are more than backbone {show(shallow[0])} trains with {train!r}; change one"
            yield Mistake(key=("hyperparameters", name, "fine_tune_depth"), text=text)


def _largest(domain: Domain) -> float:
    """Return the largest of a domain of whole numbers."""
    if isinstance(domain, Range):
        return domain.high
    return max(float(value) for value in (domain.choices if isinstance(domain, Choice) else (domain.value,)))
