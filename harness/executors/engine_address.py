"""Where the container engine is asked for, as docker's own client finds it: by DOCKER_HOST, or by a docker context."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import DockerException
from docker.utils import kwargs_from_env, parse_host

from harness.errors import MachineError

HOST, CONTEXT = "DOCKER_HOST", "DOCKER_CONTEXT"
_FORMS = "give unix:///PATH or tcp://HOST:PORT, or leave it out for this machine's own engine"
_SSH = (
    "an engine behind SSH is another machine's, which has none of the results' folder; run harness on that machine, or "
    "name an engine of this one"
)


def found(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return what the SDK's client is to be made with; nothing is asked.

    Raises:
        MachineError: What is named can't be an address, or an engine that could be used; says who names it.
    """
    if environment.get(HOST):
        _check(environment[HOST], named=f"{HOST} = {environment[HOST]!r}")
        return _asked(environment)
    name = environment.get(CONTEXT) or get_current_context_name()
    return _asked(environment) if name in (None, "default") else _of_context(name)


def _asked(environment: Mapping[str, str]) -> dict[str, Any]:
    asked: dict[str, Any] = kwargs_from_env(environment=dict(environment))
    return asked


def _of_context(name: str) -> dict[str, Any]:
    try:
        context = ContextAPI.get_context(name)
    except (DockerException, OSError, ValueError, KeyError) as error:
        raise MachineError(f"docker context '{name}': can't be read ({error}); docker context ls says more") from error
    if context is None:
        raise MachineError(f"docker context '{name}': there is none of this name; docker context use default")
    _check(context.Host, named=f"docker context '{name}' = {context.Host!r}")
    return {"base_url": context.Host, **({"tls": context.TLSConfig} if context.TLSConfig else {})}


def _check(url: str, *, named: str) -> None:
    if url.startswith("ssh://"):
        raise MachineError(f"{named}: {_SSH}")
    try:
        parse_host(url)
    except (DockerException, ValueError) as error:
        # Without a cause: the engine has said nothing, as it was not asked.
        raise MachineError(f"{named}: {error}; {_FORMS}") from None
