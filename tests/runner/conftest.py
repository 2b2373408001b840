import pytest


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.provenance.git_commit", lambda _: None)
