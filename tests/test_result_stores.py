from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import result_stores
from harness.api import given_paths
from harness.errors import UserError


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("given", "is_url"), [("s3://b/p", True), ("results", False), (Path("s3://b"), False), (7, False)]
)
def test_what_has_a_protocol_is_a_store(given: object, *, is_url: bool) -> None:
    assert given_paths.is_url(given) is is_url


def test_a_folder_of_this_machine_stands_for_a_store_and_is_called_by_its_url() -> None:
    store = result_stores.at("s3://bucket/ä results/")

    assert store.url == "s3://bucket/ä results"
    assert result_stores.at("s3://bucket/ä results").mirror == store.mirror
    assert result_stores.at("s3://bucket/a-results").mirror != store.mirror
    assert result_stores.of(store.mirror) == store
    assert result_stores.named(store.mirror) == "s3://bucket/ä results"


@pytest.mark.parametrize("text", ["", "[]", "{}", None])
def test_any_other_folder_stands_for_itself(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "store.json").write_text(text)

    assert result_stores.of(tmp_path) is None
    assert result_stores.named(tmp_path) == str(tmp_path)
    assert result_stores.fetch(tmp_path / "matrix") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sftp://me:secret@host/results", "holds a password; leave it to the environment"),
        ("://bucket", "names no place"),
        ("s3://", "names no place"),
    ],
)
def test_a_url_that_leads_nowhere_or_tells_a_secret_is_refused(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        result_stores.at(url)

    assert "secret" not in str(caught.value)


def test_only_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    (folder / "retried-1").mkdir(parents=True)
    for name in ("record.json", "retried-1/record.json", "lock", "progress.log"):
        (folder / name).write_text(json.dumps(name))

    packed = result_stores._packed(folder)
    result_stores._unpack(packed, tmp_path / "there")

    found = {str(path.relative_to(tmp_path / "there")) for path in (tmp_path / "there").rglob("*") if path.is_file()}
    assert found == {"record.json", "retried-1/record.json"}
    assert packed == result_stores._packed(tmp_path / "there")
