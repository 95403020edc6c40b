"""A fake docker client: answers from a JSON file, builds by writing into it, and notes down how it was called."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["FAKE_DOCKER"])
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
    state["images"][option(arguments, "--tag")[0]] = {
        "Id": "sha256:" + "1" * 64,
        "Config": {"Labels": labels, "User": "10001:10001"},
        "RootFS": {"Layers": [*base["RootFS"]["Layers"], "sha256:top"]},
        "Size": 2**31,
    }
    return ""


def can(state: dict[str, Any], what: str) -> str:
    """Say what this engine has, or fail for want of it."""
    if what == "buildx" and not state["buildx"]:
        sys.exit("docker: unknown command: docker buildx")
    if what == "pull" and not state["registry"]:
        sys.exit("dial tcp: lookup registry-1.docker.io: no such host")
    return "0123\n" if what == "network" and state["bridge"] else ""


def answer(state: dict[str, Any], arguments: list[str]) -> str:
    match arguments:
        case ["image", "inspect", name]:
            if name not in state["images"]:
                sys.exit(ABSENT + name)
            return json.dumps([state["images"][name]])
        case ["buildx", "version"] | ["network", "ls", *_] | ["pull", _] | ["info"]:
            return can(state, arguments[0])
        case ["buildx", "build", *rest] | ["build", *rest]:
            return sys.exit("the build fails") if state["build_fails"] else build(state, rest)
        case ["run", *_]:
            state["given"] = sys.stdin.read()
            return str(state["inside"]) if state["inside"] is not None else sys.exit("exec: python: not found")
    raise AssertionError(arguments)


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
