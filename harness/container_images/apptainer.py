"""The same image for Apptainer, where a cluster has no Docker: a definition file from the Dockerfile and its pins.

The form: https://apptainer.org/docs/user/main/definition_files.html. Its stages can't be built on one another, so what
the Dockerfile's stages build upon each other is one stage here. Who runs an image is always the caller there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from harness.container_images import build_input_hashes
from harness.container_images.declarations import Base, DeclaredImage
from harness.errors import ImagesError
from harness.image_labels import has_digest

_STEP = re.compile(r"^(?P<word>[A-Z]+) (?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)
_FROM = re.compile(r"(?P<base>\S+)(?: AS (?P<name>\S+))?")
_BUILT = "code"
_PAIR = re.compile(r'([\w.-]+)=("[^"]*"|\S*)')


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep:
    """One instruction of a Dockerfile, what it continues over several lines included."""

    word: str
    rest: str


def definition(image: DeclaredImage, base: str | None = None) -> str:
    """Return what ``apptainer build`` makes ``image`` from, called in the folder of its sources.

    ``base`` names one of the image's bases; by default the first, which a registry has.

    Raises:
        ImagesError: There is no such base, or the image has packages besides its lock.
    """
    if image.more:
        raise ImagesError(
            f"images.{image.name}.requirements: no definition file installs more packages than a lock has"
        )
    chosen = _chosen(image, base)
    stages = read((image.root / build_input_hashes.DOCKERFILE).read_text("utf-8"))
    hashes = {f"{kind.upper()}_HASH": value for kind, value in asdict(build_input_hashes.of(image)).items()}
    given = {"BASE_IMAGE": chosen.reference, "BASE": chosen.reference, "LOCK": image.lock, "INDEX_URL": "", **hashes}
    header = [
        f"# Made by harness images apptainer {image.name}, from {build_input_hashes.DOCKERFILE} and {image.lock}.",
        f"# In the folder of the harness's sources: apptainer build harness-{image.name}.sif THIS_FILE",
    ]
    build = _stage(_BUILT, _chain(stages, _BUILT), chosen, given)
    final = _stage("final", _chain(stages, image.target), chosen, given)
    return "\n".join([*header, "", *build, "", *final, *_run(_chain(stages, image.target), given), ""])


def read(dockerfile: str) -> Mapping[str, Sequence[BuildStep]]:
    """Return the steps of each stage, by its name; the first is what it is built from."""
    stages: dict[str, list[BuildStep]] = {}
    steps: list[BuildStep] = []
    bare = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    for found in _STEP.finditer(bare):
        if found["word"] == "FROM":
            steps = stages.setdefault(str(_parsed(found["rest"])["name"]), [])
        steps.append(BuildStep(word=found["word"], rest=found["rest"]))
    return stages


def _parsed(rest: str) -> re.Match[str]:
    found = _FROM.fullmatch(rest.strip())
    if found is None:
        raise ImagesError(f"{build_input_hashes.DOCKERFILE}: FROM {rest}: give one image or stage, and a name")
    return found


def _chain(stages: Mapping[str, Sequence[BuildStep]], name: str) -> list[BuildStep]:
    """Return the steps of a stage after those of the stages that it is built from."""
    first, *steps = stages[name]
    below = _parsed(first.rest)["base"]
    return [*(_chain(stages, below) if below in stages else ()), *steps]


def _chosen(image: DeclaredImage, name: str | None) -> Base:
    if name is not None and name not in image.bases:
        raise ImagesError(f"images.{image.name}.bases: no base '{name}'; there are {', '.join(image.bases)}")
    return image.bases[name] if name is not None else next(iter(image.bases.values()))


def _stage(name: str, steps: Sequence[BuildStep], base: Base, given: Mapping[str, str]) -> list[str]:
    # A base that this host makes is no registry's, but its engine's.
    source = "docker" if has_digest(base.reference) else "docker-daemon"
    lines = [f"Bootstrap: {source}", f"From: {base.reference}", f"Stage: {name}", ""]
    copied = [step.rest.split() for step in steps if step.word == "COPY"]
    if any(words[0].startswith("--from=") for words in copied):
        lines += [f"%files from {_BUILT}", *(f"    {words[1]} {words[2]}" for words in copied), ""]
    elif copied:
        lines += ["%files", *(f"    {_filled(' '.join(words), given)}" for words in copied), ""]
    return [*lines, "%post", *_indented(_post(steps, given)), ""]


def _post(steps: Sequence[BuildStep], given: Mapping[str, str]) -> Iterator[str]:
    """Yield the shell's lines: what Docker sets for the steps, and the steps themselves."""
    yield "set -e"
    for step in steps:
        if step.word == "RUN":
            yield step.rest
        elif step.word == "ENV":
            yield from (f"export {name}={value}" for name, value in _PAIR.findall(step.rest))
        elif step.word == "ARG" and (name := step.rest.partition("=")[0]) in given:
            yield f"export {name}='{given[name]}'"


def _run(steps: Sequence[BuildStep], given: Mapping[str, str]) -> list[str]:
    """Return what holds when the image runs."""
    settings = [pair for step in steps if step.word == "ENV" for pair in _PAIR.findall(step.rest)]
    labels = [pair for step in steps if step.word == "LABEL" for pair in _PAIR.findall(step.rest)]
    return [
        "%environment",
        *(f"    export {name}={value}" for name, value in settings),
        "",
        "%labels",
        *(f"    {name} {_filled(value, given).strip(chr(34))}" for name, value in labels),
        "",
        "%runscript",
        '    exec python -m harness "$@"',
    ]


def _filled(text: str, given: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], text)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield from (f"    {each}" for each in line.splitlines())
