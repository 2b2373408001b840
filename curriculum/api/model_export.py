"""A run's final model in a folder that the library `transformers` loads without this package."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum import learn, models, record, runner
from curriculum.config import Experiment
from curriculum.errors import UsageError
from curriculum.plan import Stage

if TYPE_CHECKING:
    from curriculum.models import ExportedModel

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""What an earlier export may have left, and would be taken for this one's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelExport:
    """What was written.

    Attributes:
        folder: where.
        auto_class: which of transformers' classes loads it.
        has_tokenizer: whether there is a tokenizer beside the model.
        lines: the same in words: how it is loaded, what its symbols are, and where its logits.
    """

    folder: Path
    auto_class: str
    has_tokenizer: bool
    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def export(
    run_id: str,
    to: Path | str,
    *,
    overwrite: bool = False,
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    experiment: Experiment | None = None,
) -> ModelExport:
    """Write a run's final model as `save_pretrained` does, with its tokenizer where there is one.

    It is loaded by one of transformers' own classes, without this package, and has the same logits. Models
    are `HuggingFace`, `Decoder` and `Bert`.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        to: the folder, which is made.
        overwrite: whether files that are there already may be replaced.
        store: the folder that the run is recorded in.
        source: the file that defines its task and model, where they are a user's own; by
            default the one that you have named for this store before.
        experiment: the one that was run, where they are defined in a notebook.

    Raises:
        UsageError: where there is no such run, its model is of another kind, the folder has files, or
            can't be written.
    """
    target = Path(to)
    _check_free(target, overwrite=overwrite)
    folder = record.Store(Path(store)).find(run_id)
    with learn.isolated(folder.description().threads):
        restored, learner = runner.restore_run(folder, source=source, like=experiment)
        found = models.export_network(learner.model)
        if found is None:
            weights = record.latest_settled_checkpoint(folder) / "model.safetensors"
            raise UsageError(
                f"{type(restored.model).__name__} can't be exported, as it is no model of transformers: those "
                f"are HuggingFace, Decoder, and Bert for symbols; its weights are in {weights}, and "
                f"curriculum.load gives it as a module"
            )
        hardest = Stage.covering(restored.growth.path())
        with learn.user_errors(restored.task):
            tokenizer = models.export_tokenizer(
                restored.task, hardest, found.first_symbol, found.model.config.pad_token_id
            )
        lines = _lines(found, target, restored.task.output, has_tokenizer=tokenizer is not None)
        with _written(target) as aside:
            found.save(aside)
            if tokenizer is not None:
                tokenizer.save_pretrained(aside)
            title = f"# Run {folder.id}, {restored.name}"
            (aside / "README.md").write_text("\n\n".join([title, *lines]) + "\n", encoding="utf-8")
    return ModelExport(
        folder=target,
        auto_class=found.auto_class,
        has_tokenizer=tokenizer is not None,
        lines=lines,
    )


def _check_free(folder: Path, *, overwrite: bool) -> None:
    """Check, before the work, that nothing would be lost.

    Raises:
        UsageError: where it would.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} can't be written: it is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise UsageError(
            f"{folder} has files already; name another folder, or replace them with --overwrite "
            f"(in Python overwrite=True)"
        )


@contextmanager
def _written(folder: Path) -> Iterator[Path]:
    """A folder beside that one, whose files are moved into it once all are there.

    Raises:
        UsageError: where it can't be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield aside
            folder.mkdir(exist_ok=True)
            for name in TOKENIZER_FILES:
                (folder / name).unlink(missing_ok=True)
            for file in sorted(aside.iterdir()):
                os.replace(file, folder / file.name)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"{folder} can't be written: {error.strerror or error}") from error


def _lines(
    found: ExportedModel, folder: Path, output: str, *, has_tokenizer: bool
) -> tuple[str, ...]:
    """How the model is loaded, what its symbols are, and where its logits."""
    name = folder.absolute().name
    lines = [f"transformers.{found.auto_class}.from_pretrained({name!r}) loads the model."]
    if has_tokenizer:
        lines.append(f"transformers.AutoTokenizer.from_pretrained({name!r}) loads its tokenizer.")
    else:
        numbers = (
            "number + 1, and 0 stands for the end of the input" if found.first_symbol else "number"
        )
        lines.append(
            f"There is no tokenizer: the task has none whose text can be told apart. A symbol's token is "
            f"its {numbers}."
        )
    if found.first_symbol and has_tokenizer:
        lines.append("Token 0 ends the input; the output is written after it.")
    of = "a bit (above 0 for 1)" if output == "bit" else "the symbols"
    where = "" if found.place == "no place" else f" at {found.place}"
    first = f", from number {found.first_logit} on" if found.first_logit else ""
    lines.append(f"Its logits{where} are of {of}{first}.")
    return tuple(lines)
