"""A fake docker client: answers from a JSON file, builds by writing into it, and notes down how it was called."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

STATE = Path(os.environ["FAKE_DOCKER"])
PLAIN: dict[str, Any] = {"Id": "sha256:" + "3" * 64, "Config": {}, "RootFS": {"Layers": []}, "Size": 1}
ABSENT = "Error response from daemon: No such image: "


def option(arguments: list[str], name: str) -> list[str]:
    """Return every value given for an option, in either spelling."""
    split = [value for flag, value in itertools.pairwise(arguments) if flag == name]
    return split + [one.removeprefix(f"{name}=") for one in arguments if one.startswith(f"{name}=")]


def build(state: dict[str, Any], arguments: list[str]) -> str:
    given = dict(one.partition("=")[::2] for one in option(arguments, "--build-arg"))
    base = state["images"].get(given["BASE_IMAGE"], {"RootFS": {"Layers": []}})
    context = Path(arguments[-1])
    state["context"] = sorted(path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file())
    state["contents"] = {name: (context / name).read_text("utf-8") for name in state["context"]}
    labels = {
        "tuner-harness.base": given["BASE"],
        "tuner-harness.lock-hash": given["LOCK_HASH"],
        "tuner-harness.recipe-hash": given["RECIPE_HASH"],
        "tuner-harness.source-hash": given["SOURCE_HASH"],
    }
    tag = option(arguments, "--tag")[0]
    if option(arguments, "--target") == ["code"]:
        state["images"][tag] = {**PLAIN, "Id": "sha256:" + "5" * 64}
        return ""
    if tag in state["images"]:
        state["unnamed"] = state["images"][tag]
    state["images"][tag] = {
        "Id": state.get("next_id", "sha256:" + "1" * 64),
        "Config": {"Labels": labels, "User": "10001:10001"},
        "RootFS": {"Layers": [*base["RootFS"]["Layers"], "sha256:top"]},
        "Size": 2**31,
    }
    return ""


def saved(name: str) -> str:
    """Write an archive of one layer to standard output, as ``docker save`` does."""
    layer, config = f"what {name} holds".encode(), json.dumps({"of": name}).encode()
    told = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": ["a/layer.tar"]}]).encode()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for path, data in {"a/layer.tar": layer, "c.json": config, "manifest.json": told}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return ""


def loaded(state: dict[str, Any]) -> str:
    """Take an archive's image from standard input: its id is what its configuration hashes to."""
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        members = {each.name: archive.extractfile(each) for each in archive}
        read = {name: stream.read() for name, stream in members.items() if stream is not None}
    (told,) = json.loads(read["manifest.json"])
    digest = hashlib.sha256(read[told["Config"]]).hexdigest()
    state["images"][told["RepoTags"][0]] = {**PLAIN, "Id": f"sha256:{digest}"}
    return ""


def pushed(state: dict[str, Any], name: str) -> str:
    """Give an image a digest at its registry, or fail for want of one."""
    can(state, "push")
    state["registered"] = state["images"][name]
    for held in state["images"].values():
        if held["Id"] == state["registered"]["Id"]:
            held["RepoDigests"] = [f"{name.removesuffix(':1')}@sha256:{'d' * 64}"]
    return ""


def pulled(state: dict[str, Any], name: str) -> str:
    """Take what the registry has, under the name that was asked for."""
    can(state, "pull")
    state["images"][name] = state.get("registered") or PLAIN
    return ""


def described(state: dict[str, Any], name: str) -> str:
    """Say what an image is, found by a name or by its id."""
    unnamed = state.get("unnamed", {})
    held = [one for tag, one in state["images"].items() if name in (tag, one["Id"])]
    if not held and unnamed.get("Id") != name:
        sys.exit(ABSENT + name)
    found = held[0] if held else unnamed
    tags = [tag for tag, one in state["images"].items() if one["Id"] == found["Id"]]
    return json.dumps([{**found, "RepoTags": tags}])


def can(state: dict[str, Any], what: str) -> str:
    """Say what this engine has, or fail for want of it."""
    if what == "buildx" and not state["buildx"]:
        sys.exit("docker: unknown command: docker buildx")
    if what in ("pull", "push") and not state["registry"]:
        sys.exit("dial tcp: lookup registry-1.docker.io: no such host")
    return "0123\n" if what == "network" and state["bridge"] else ""


def answer(state: dict[str, Any], arguments: list[str]) -> str:
    match arguments:
        case ["image", "inspect", name]:
            return described(state, name)
        case ["buildx", "version"] | ["network", "ls", *_] | ["info"]:
            return can(state, arguments[0])
        case ["buildx", "build", *rest] | ["build", *rest]:
            return sys.exit("the build fails") if state["build_fails"] else build(state, rest)
        case ["run", *_, "sh", "-c", _]:
            return str(state["status"])
        case ["run", *_]:
            state["given"] = sys.stdin.read()
            return str(state["inside"]) if state["inside"] is not None else sys.exit("exec: python: not found")
    return moved(state, arguments)


def moved(state: dict[str, Any], arguments: list[str]) -> str:
    """Do what names an image, or brings it from one place to another."""
    match arguments:
        case ["pull", name]:
            return pulled(state, name)
        case ["push", name]:
            return pushed(state, name)
        case ["tag", name, more]:
            state["images"][more] = state["images"][name]
        case ["save", name]:
            return saved(name)
        case ["load", "--quiet"]:
            return loaded(state)
        case ["image", "rm", _]:
            pass
        case _:
            raise AssertionError(arguments)
    return ""


def main() -> None:
    state = json.loads(STATE.read_text("utf-8"))
    state["calls"].append(sys.argv[1:])
    try:
        if not state["answers"] and sys.argv[1:2] != ["buildx"]:
            sys.exit("Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?")
        sys.stdout.write(answer(state, sys.argv[1:]))
    finally:
        STATE.write_text(json.dumps(state), "utf-8")


main()
