from pathlib import Path

import pytest

from curriculum.record.store import Store
from curriculum.record.tracking import (
    artifacts_folder,
    database_uri,
    displayed,
    first_line,
    tracking_uri_of,
)


def test_the_store_has_a_database_of_its_own(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Store(store)
    assert tracking_uri_of(one) == f"sqlite:///{store}/mlflow.db" == database_uri(one)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri_of(one) == "http://127.0.0.1:1"
    assert tracking_uri_of(one, "http://127.0.0.1:2") == "http://127.0.0.1:2"


def test_artifacts_lie_in_the_store_only_with_its_own_database(store: Path) -> None:
    one = Store(store)
    assert artifacts_folder(one, database_uri(one)) == store / "artifacts"
    assert artifacts_folder(one, "http://127.0.0.1:1") is None


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://user:secret@host:5000/path", "https://host:5000/path"),
        ("http://host", "http://host"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("postgresql://me:se/cret@host/db", "postgresql://host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db"),
        ("studies.journal", "studies.journal"),
    ],
)
def test_no_password_is_displayed(uri: str, shown: str) -> None:
    assert displayed(uri) == shown
    said = first_line(RuntimeError(f"no answer from {uri} at all\nand more"))
    assert "se/cret" not in said
    assert "secret" not in said
    assert said.endswith("at all")
