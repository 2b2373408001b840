from pathlib import Path

import pytest

from curriculum.record import sha256_of, source_files, source_sha256

FILES = {
    "mine.py": "import os, curriculum\nimport parts.inner\nfrom helper import turned\n",
    "helper.py": "def late():\n    import later\n",
    "later.py": "from parts import other\n",
    "parts/__init__.py": "",
    "parts/inner.py": "from . import beside\nfrom .deeper import leaf\n",
    "parts/beside.py": "",
    "parts/other.py": "",
    "parts/deeper/leaf.py": "from .. import up\n",
    "parts/up.py": "",
    "parts/unused.py": "",
    "unused.py": "",
    "os.py": "raise SystemExit  # never the library",
    "curriculum.py": "",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that imports others of its folder."""
    for place, text in FILES.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "mine.py"


def test_a_file_comes_with_what_it_imports_from_its_folder(source: Path) -> None:
    unused = {"unused.py", "parts/unused.py", "os.py", "curriculum.py"}
    assert source_files(source).keys() == FILES.keys() - unused


@pytest.mark.parametrize("place", ["mine.py", "later.py", "parts/deeper/leaf.py"])
def test_the_digest_is_of_all_of_them(source: Path, place: str) -> None:
    before = source_sha256(source)
    path = source.with_name("x").parent / place
    path.write_text(path.read_text() + "# changed\n")
    assert source_sha256(source) != before


def test_a_file_by_itself_has_the_digest_of_its_content(tmp_path: Path) -> None:
    source = tmp_path / "alone.py"
    source.write_text("import math\n")
    assert source_sha256(source) == sha256_of(source)


@pytest.mark.parametrize("text", ["def", "import helper\n\0", "x = (" * 400])
def test_a_file_that_is_no_python_has_a_digest_too(tmp_path: Path, text: str) -> None:
    source = tmp_path / "broken.py"
    source.write_text(text)
    assert source_files(source).keys() == {"broken.py"}
    assert source_sha256(source) == sha256_of(source)


def test_files_that_import_one_another_are_found_once(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import other")
    (tmp_path / "other.py").write_text("import one")
    assert source_files(tmp_path / "one.py").keys() == {"one.py", "other.py"}
