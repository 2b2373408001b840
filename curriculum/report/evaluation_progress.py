"""Evaluations of many stages in progress: a bar on a terminal and in a notebook, lines elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from curriculum.report.screen import NotebookScreen, in_notebook

REDRAW_SECONDS = 0.2

MOST_LINES = 40
"""Of more stages the bar tells all; without a bar, there is a line for each tenth of them."""


class EvaluationProgress:
    """Shows how far it is, and the result of each of few stages. Use it in a `with`."""

    def __init__(self, console: Console, stages: int = 0, tokens: int = 0) -> None:
        """So many stages, whose inputs have so many symbols together; 0 where nobody knows."""
        self._console, self._stages = console, stages
        self._notebook = NotebookScreen(transient=True) if in_notebook() else None
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        total = tokens or None
        self._task = self._bars.add_task("evaluating", total=total, visible=stages > 1)
        self._each = tokens / max(1, stages)
        self._done = 0
        self._drawn = 0.0

    def __enter__(self) -> Self:
        if self._notebook is None:
            self._bars.start()
        elif not self._console.quiet:
            self._notebook.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
        if self._notebook is not None and self._notebook.is_started:
            self._notebook.stop()

    def on_read(self, tokens: int) -> None:
        """A piece of an input was read, of so many symbols."""
        self._bars.update(self._task, advance=tokens, visible=True)
        self._draw()

    def on_stage(self, stage: str, text: str) -> None:
        """The stage, in words, is done, with that result."""
        before, self._done = self._done, self._done + 1
        few = self._stages <= MOST_LINES
        text = f"{stage}: {text}"
        if not few:
            text = f"{self._done:,} of {self._stages:,} stages; {text}"
        self._bars.update(self._task, completed=self._each * self._done, description=text)
        tenth = few or self._done * 10 // self._stages > before * 10 // self._stages
        if self._notebook is not None:
            self._draw()
        elif few or (tenth and not self._console.is_terminal):
            self._bars.console.print(text, highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        """In a notebook, show the bar as it is now."""
        now = time.monotonic()
        screen = self._notebook
        if screen is not None and screen.is_started and now - self._drawn > REDRAW_SECONDS:
            screen.update(self._bars.get_renderable(), refresh=True)
            self._drawn = now
