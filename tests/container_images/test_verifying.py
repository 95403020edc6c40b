from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness import container_images
from harness.container_images import DeclaredImage
from harness.errors import EngineError
from tests.container_images.conftest import BASE, BASE_DIGEST, FILES, PULLED, FakeEngine, image_of, write

REMEDY = "; harness images build cpu"


@pytest.mark.seconds
def test_an_image_as_pinned_differs_in_nothing(built: DeclaredImage) -> None:
    assert container_images.stale(built) == []
    assert container_images.verify(built) == []


def test_the_container_that_looks_inside_can_reach_and_change_nothing(built: DeclaredImage, engine: FakeEngine) -> None:
    container_images.verify(built)

    (call,) = engine.calls("run")
    assert "--network none --read-only" in " ".join(call)
    assert "--cap-drop ALL" in " ".join(call)
    assert engine.state["images"][built.tag]["Id"] in call
    assert engine.state["given"] == FILES["requirements/image-cpu.txt"]


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_here_is_one_difference(image: DeclaredImage) -> None:
    missing = ["tuner-harness:cpu: not on this host" + REMEDY]

    assert container_images.stale(image) == missing
    assert container_images.verify(image) == missing


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("harness/search_loop.py", "the harness's sources changed since it was built"),
        ("requirements/image-cpu.txt", "the lock changed since it was built"),
        ("docker/Dockerfile", "the Dockerfile and its tools changed since it was built"),
        ("requirements/setup.txt", "the Dockerfile and its tools changed since it was built"),
    ],
)
def test_whatever_an_image_is_made_from_makes_it_stale_when_it_changes(
    built: DeclaredImage, file: str, said: str
) -> None:
    write(built.root, {file: FILES[file] + ("\nCHANGED = 1\n" if file.endswith(".py") else "\n# changed\n")})

    (difference,) = container_images.stale(built)

    assert said in difference
    assert difference.endswith(REMEDY)
    assert difference in container_images.verify(built)


def test_what_no_search_runs_through_leaves_an_image_as_it_is(built: DeclaredImage) -> None:
    write(
        built.root,
        {
            "harness/reports/page.py": "2\n",
            "harness/search_loop.py": f"# a remark\n{FILES['harness/search_loop.py']}",
            "docs/new.md": "2\n",
        },
    )

    assert container_images.stale(built) == []


def test_a_base_made_anew_makes_an_image_stale(built: DeclaredImage, engine: FakeEngine) -> None:
    held = engine.state["images"]
    engine.becomes(images={**held, BASE: image_of(["sha256:" + "c" * 64])})

    assert container_images.stale(built) == [f"{built.tag}: its base {BASE} was made anew since{REMEDY}"]


def test_an_image_that_names_a_base_but_is_not_made_on_it_is_found(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.holds(RootFS={"Layers": ["sha256:other", "sha256:top"]})

    (difference,) = container_images.stale(built)

    assert "does not begin with the layers of" in difference


def test_a_base_that_was_removed_since_is_no_difference(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(images={built.tag: engine.state["images"][built.tag]})

    assert container_images.stale(built) == []


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("python:3.11", "its base 'python:3.11' has no digest"),
        (None, "its base '' has no digest"),
        ("alpine@sha256:" + "d" * 64, "which images.toml doesn't list for it"),
        (PULLED[:-1] + "f", "which images.toml doesn't list for it"),
    ],
)
def test_a_base_that_is_not_pinned_or_another_is_a_difference(
    built: DeclaredImage, engine: FakeEngine, base: str | None, said: str
) -> None:
    config = engine.state["images"][built.tag]["Config"]
    labels = {**config["Labels"], "tuner-harness.base": base}
    engine.holds(Config={**config, "Labels": {name: value for name, value in labels.items() if value is not None}})

    (difference,) = container_images.stale(built)

    assert said in difference


def test_an_image_of_somebody_else_by_that_name_is_told_from_ours(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.holds(Config={"Labels": None})

    said = "\n".join(container_images.stale(built))

    assert said.count("unstated then") == 3
    assert "runs as 'root', not as user 10001" in said


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ({"installed": {}}, ["numpy is missing, requirements/image-cpu.txt says 2.4.6"]),
        ({"installed": {"numpy": "2.4.7"}}, ["numpy is 2.4.7, requirements/image-cpu.txt says 2.4.6"]),
        (
            {"installed": {"numpy": "2.4.6", "jax": "1"}},
            ["jax 1 is installed, but not in requirements/image-cpu.txt"],
        ),
        ({"altered": ["numpy/core.py was changed"]}, ["numpy/core.py was changed"]),
        ({"source": "0" * 64}, ["the harness inside has source hash 000000000000, this one "]),
        ({"uid": 0}, ["programs run as user 0, not 10001"]),
    ],
)
def test_whatever_is_inside_and_not_pinned_is_a_difference(
    built: DeclaredImage, engine: FakeEngine, inside: dict[str, Any], said: list[str]
) -> None:
    engine.finds_inside(**inside)

    differences = container_images.verify(built)

    assert len(differences) == len(said)
    assert all(words in line for words, line in zip(said, differences, strict=True))


def test_many_changed_files_are_counted_after_the_first(built: DeclaredImage, engine: FakeEngine) -> None:
    engine.finds_inside(altered=[f"{number}.py was changed" for number in range(500)])

    differences = container_images.verify(built)

    assert len(differences) == 11
    assert "490 more files" in differences[-1]


@pytest.mark.parametrize("said", [None, "no JSON"])
def test_an_image_that_can_say_nothing_of_itself_is_a_difference(
    built: DeclaredImage, engine: FakeEngine, said: str | None
) -> None:
    engine.becomes(inside=said)

    (difference,) = container_images.verify(built)

    assert "what is inside can't be read" in difference


@pytest.mark.parametrize("look", [container_images.stale, container_images.verify])
def test_no_engine_is_no_difference_but_the_machines_trouble(
    built: DeclaredImage, engine: FakeEngine, look: Callable[[DeclaredImage], list[str]]
) -> None:
    engine.becomes(answers=False)

    with pytest.raises(EngineError, match="no container engine answers"):
        look(built)


def test_what_is_held_is_listed_with_what_is_not(built: DeclaredImage) -> None:
    cpu, gpu = container_images.held(container_images.load(built.root / "docker/images.toml"))

    assert (cpu.size_bytes, cpu.base) == (2**31, f"{BASE}@{BASE_DIGEST}")
    assert (gpu.id, gpu.base, gpu.size_bytes) == (None, None, None)


def test_an_image_without_any_label_or_user_is_listed(image: DeclaredImage, engine: FakeEngine) -> None:
    engine.becomes(images={image.tag: image_of([])})

    (held,) = container_images.held([image])

    assert held.base is None
