"""Where docker's client would look for the engine; the contexts are made in a folder of the test's own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.executors import engine_address, engine_connection


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where docker's client keeps contexts."""
    folder = tmp_path / "docker's own"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setattr("docker.context.config.find_config_file", lambda: str(folder / "config.json"))
    monkeypatch.setattr("docker.context.config.get_context_dir", lambda: str(folder / "contexts"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (folder / "config.json").write_text("{}")
    return folder


def create_context(config: Path, name: str, host: str) -> None:
    place = config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    told = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (place / "meta.json").write_text(json.dumps(told))


def use_context(config: Path, name: str) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": name}))


def test_where_nothing_is_named_the_engine_is_this_machines_own() -> None:
    assert engine_address.found({}) == {}


def test_an_address_in_the_environment_is_taken() -> None:
    assert engine_address.found({"DOCKER_HOST": "tcp://127.0.0.1:2375"})["base_url"] == "tcp://127.0.0.1:2375"


def test_the_context_in_use_is_taken_as_dockers_client_takes_it(config: Path) -> None:
    create_context(config, "lab", "tcp://lab:2375")
    use_context(config, "lab")

    assert engine_address.found({}) == {"base_url": "tcp://lab:2375"}


def test_the_environment_comes_before_the_context_in_use(config: Path) -> None:
    create_context(config, "lab", "tcp://lab:2375")
    create_context(config, "desk", "unix:///desk.sock")
    use_context(config, "lab")

    assert engine_address.found({"DOCKER_CONTEXT": "desk"}) == {"base_url": "unix:///desk.sock"}
    named = engine_address.found({"DOCKER_CONTEXT": "desk", "DOCKER_HOST": "tcp://here:1"})
    assert named["base_url"] == "tcp://here:1"


@pytest.mark.parametrize("value", ["here", "/var/run/docker.sock", "tcp://", "tcp://lab:99999"])
def test_what_is_no_address_is_named_with_its_variable_and_the_way_out(value: str) -> None:
    with pytest.raises(MachineError, match="give unix:///PATH or tcp://HOST") as caught:
        engine_address.found({"DOCKER_HOST": value})

    assert str(caught.value).startswith(f"DOCKER_HOST = {value!r}: ")


def test_a_context_that_is_none_is_named(config: Path) -> None:
    use_context(config, "gone")

    with pytest.raises(MachineError, match="docker context 'gone': there is none of this name; docker context use"):
        engine_address.found({})


def test_an_engine_behind_ssh_is_refused_by_name(config: Path) -> None:
    create_context(config, "far", "ssh://me@far")

    with pytest.raises(MachineError, match=r"^DOCKER_HOST = 'ssh://me@far': an engine behind SSH is another machine's"):
        engine_address.found({"DOCKER_HOST": "ssh://me@far"})
    with pytest.raises(MachineError, match=r"^docker context 'far' = 'ssh://me@far': an engine behind SSH"):
        engine_address.found({"DOCKER_CONTEXT": "far"})


def test_nonsense_is_told_by_whoever_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense")

    with pytest.raises(MachineError, match=r"^DOCKER_HOST = 'nonsense': "):
        engine_connection.connect()
