import sys
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record import Store, first_line, redacted
from curriculum.tracking import local_tracking_uri, resolve_tracking_uri
from curriculum.tracking.addresses import artifacts_folder


def test_the_store_has_a_database_of_its_own(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Store(store)
    assert resolve_tracking_uri(one) == f"sqlite:///{store}/mlflow.db" == local_tracking_uri(one)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert resolve_tracking_uri(one) == "http://127.0.0.1:1"
    assert resolve_tracking_uri(one, "http://127.0.0.1:2") == "http://127.0.0.1:2"


def test_artifacts_lie_in_the_store_unless_a_server_has_them(store: Path) -> None:
    one = Store(store)
    for uri in (local_tracking_uri(one), "sqlite:////elsewhere.db", "postgresql+psycopg://host/db"):
        assert artifacts_folder(one, uri) == store / "artifacts"
    assert artifacts_folder(one, "http://127.0.0.1:1") is None


def test_a_library_that_is_missing_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from curriculum.tracking.client import connect

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'curriculum\[postgresql\]'") as caught:
        connect(Store(store), "postgresql://me:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


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
    assert redacted(uri) == shown
    message = first_line(RuntimeError(f"no answer from {uri} at all\nand more"))
    assert "se/cret" not in message
    assert "secret" not in message
    assert message.endswith("at all")
