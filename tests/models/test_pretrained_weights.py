"""Pretrained weights are known by a digest of their files."""

import os
import shutil
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.learn import pretrained_digest
from curriculum.models import HuggingFace, Recurrent
from curriculum.models.pretrained_weights import weights_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "weights"
    found.mkdir()
    (found / "model-00001-of-00002.safetensors").write_bytes(b"first")
    (found / "model-00002-of-00002.safetensors").write_bytes(b"second")
    (found / "model.safetensors.index.json").write_text("{}")
    (found / "config.json").write_text('{"model_type": "gpt2", "n_embd": 8, "n_head": 2}')
    return found


def test_the_same_files_elsewhere_have_the_same_digest(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "config.json").write_text("{}")  # is a setting
    (copy / "README.md").write_text("of no effect")
    assert weights_digest(str(copy)) == weights_digest(str(folder))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model-00002-of-00002.safetensors", b"secOnd"),
        ("model.safetensors.index.json", b"[]"),
        ("adapter_model.safetensors", b""),
        ("adapter_config.json", b"{}"),
    ],
)
def test_whatever_is_read_of_a_folder_counts(folder: Path, name: str, content: bytes) -> None:
    before = weights_digest(str(folder))
    (folder / name).write_bytes(content)
    assert weights_digest(str(folder)) != before


def test_files_that_change_places_make_another_digest(folder: Path) -> None:
    before = weights_digest(str(folder))
    one, two = sorted(folder.glob("model-*"))
    one.rename(folder / "aside")
    two.rename(one)
    (folder / "aside").rename(two)
    assert weights_digest(str(folder)) != before


def test_a_changed_file_of_the_same_time_and_size_is_seen(folder: Path) -> None:
    path = folder / "model-00001-of-00002.safetensors"
    before, found = weights_digest(str(folder)), path.stat()
    path.write_bytes(b"fIrst")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert weights_digest(str(folder)) != before


def test_without_weights_there_is_no_digest(folder: Path, tmp_path: Path) -> None:
    assert weights_digest(str(tmp_path)) is None
    assert weights_digest(str(tmp_path / "nowhere")) is None
    assert pretrained_digest(HuggingFace()) is pretrained_digest(Recurrent()) is None
    assert pretrained_digest(HuggingFace(pretrained=str(folder))) == weights_digest(str(folder))


def test_weights_that_can_not_be_read_are_refused_in_a_sentence(folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").unlink()
    (folder / "model-00001-of-00002.safetensors").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"can't be read: model-00001.*: No such file") as caught:
        weights_digest(str(folder))
    assert "\n" not in str(caught.value)
