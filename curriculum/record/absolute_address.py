"""Addresses that mean the same wherever a process stands: of databases and files that were given."""

from pathlib import Path

SQLITE = "sqlite:///"


def absolute_address(given: str) -> str:
    """A URL as it is; the path of a file, or of a SQLite database, from the root.

    >>> absolute_address("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    >>> absolute_address("http://localhost:5000/prefix")
    'http://localhost:5000/prefix'
    >>> absolute_address("sqlite:///mlflow.db") == f"sqlite:///{Path.cwd() / 'mlflow.db'}"
    True
    """
    if given.startswith(SQLITE):
        path = given.removeprefix(SQLITE)
        return f"{SQLITE}{Path(path).absolute()}" if path not in ("", ":memory:") else given
    if ":" in given:
        return given
    return str(Path(given).absolute())
