"""The commands and the compose file of the documentation on clusters name what there is."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from curriculum.tracking import TRACKING_URI_VARIABLE
from curriculum.tune import STORAGE_VARIABLE

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "cluster.md").read_text()
COMPOSE = (ROOT / "docs" / "compose.yml").read_text()


def server_options(command: str) -> set[str]:
    """The options of the call of `mlflow server` in a text."""
    [found] = re.findall(r"mlflow server(.*)", command)
    return {word for word in shlex.split(found) if word.startswith("--")}


def test_the_compose_file_has_both_servers_on_localhost_and_no_password() -> None:
    found = yaml.safe_load(COMPOSE)
    services = found["services"]
    assert set(services) == {"postgresql", "mlflow"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in found["volumes"]
        for config in service.get("configs", ()):
            assert config["source"] in found["configs"]
    database = services["postgresql"]["environment"]
    assert database["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    uri = services["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert uri == f"postgresql+psycopg://{user}:${{POSTGRES_PASSWORD}}@postgresql:5432/{name}"
    assert found["configs"]["databases"]["content"] == "CREATE DATABASE optuna;"


@pytest.mark.slow
def test_mlflows_server_takes_the_options_that_are_shown() -> None:
    help_text = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    known = set(re.findall(r"--[a-z-]+", help_text))
    [command] = yaml.safe_load(COMPOSE)["services"]["mlflow"]["command"][2:]
    for text in (TEXT, command):
        assert server_options(text)
        assert server_options(text) <= known


def test_the_variables_and_the_extra_are_those_that_there_are() -> None:
    lines = re.findall(r"^(?:# +)?export (.*)$", TEXT + COMPOSE, re.MULTILINE)
    exported = {name for line in lines for name in re.findall(r"(\w+)=", line)}
    ours = {TRACKING_URI_VARIABLE, STORAGE_VARIABLE}
    servers = {"MLFLOW_BACKEND_STORE_URI", "POSTGRES_PASSWORD"}
    assert exported == ours | servers | {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert set(re.findall(r"'curriculum\[(\w+)\]'", TEXT)) <= set(extras)
    (driver,) = extras["postgresql"]
    assert driver in extras["dev"]
    assert f"'{driver}'" in TEXT
    assert f"'{driver}'" in COMPOSE
