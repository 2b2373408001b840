"""Addresses that mean the same wherever a process stands: of databases and files that were given."""

import re
from pathlib import Path

SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(.+)")
FILE = re.compile(r"file:(?!/)(.+)")
NAMES = ("databricks", "databricks-uc", "uc")
"""MLflow's own, which are no paths."""


def absolute_address(given: str) -> str:
    """A URL as it is; the path of a file, or of a SQLite database, from the root.

    >>> absolute_address("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    >>> absolute_address("http://localhost:5000/prefix")
    'http://localhost:5000/prefix'
    >>> absolute_address("databricks")
    'databricks'
    >>> absolute_address("sqlite:///mlflow.db") == f"sqlite:///{Path.cwd() / 'mlflow.db'}"
    True
    >>> absolute_address("file:./mlruns") == (Path.cwd() / "mlruns").as_uri()
    True
    """
    if found := SQLITE.fullmatch(given):
        scheme, path = found.groups()
        return given if path.startswith(":") else f"{scheme}{Path(path).absolute()}"
    if found := FILE.fullmatch(given):
        return Path(found[1]).absolute().as_uri()
    if ":" in given or given in NAMES:
        return given
    return str(Path(given).absolute())
