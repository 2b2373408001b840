from pathlib import Path

from curriculum.record.environment import environment, git_commit


def test_the_environment_names_python_and_the_libraries() -> None:
    assert {"python", "torch", "mlflow", "numpy"} <= set(environment())


def test_a_folder_outside_of_a_repository_has_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
