"""Addresses that mean the same wherever a process stands: of databases and files that were given."""

import re
from pathlib import Path

from curriculum.errors import UsageError

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


def with_driver(url: str) -> str:
    """A database's URL, with the driver that the extra `postgresql` installs.

    Which one a URL without any means differs by the version of SQLAlchemy.

    >>> with_driver("postgresql://host/database")
    'postgresql+psycopg://host/database'
    >>> with_driver("mysql+pymysql://host/database")
    'mysql+pymysql://host/database'
    """
    return re.sub(r"\Apostgresql://", "postgresql+psycopg://", url)


def missing_driver(name: str, error: ModuleNotFoundError) -> UsageError:
    """That a database can't be reached for want of a library, in a sentence."""
    library = (error.name or "").partition(".")[0]
    wanted = "'curriculum[postgresql]'" if library == "psycopg" else library
    return UsageError(f"{name} needs the library {library}; pip install {wanted}")
