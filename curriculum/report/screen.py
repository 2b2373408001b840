"""Where progress is drawn: a terminal, or the output of a notebook's cell."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

HTML = '<pre style="line-height: 1.3; margin: 0">{code}</pre>'
WIDTH = 100
"""Of what is drawn in a notebook, in characters."""


def literal_console(**options: Any) -> Console:
    """A console that shows names as they are, also where they look like markup or an emoji."""
    return Console(markup=False, emoji=False, **options)


class Screen(Protocol):
    """Shows what is drawn, in the place of what it showed before."""

    @property
    def is_started(self) -> bool:
        """Whether anything is shown."""

    def start(self) -> None:
        """Show something from now on."""

    def update(self, renderable: RenderableType, *, refresh: bool) -> None:
        """Show this."""

    def stop(self) -> None:
        """Leave what is shown where it is; or take it away, if it is transient."""


class NotebookScreen:
    """In the output of the cell that is running. It takes no widgets, and runs no scripts."""

    def __init__(self, *, transient: bool = False) -> None:
        self._transient = transient
        self._handle: Any = None
        with warnings.catch_warnings():
            # Imported later, by Optuna, it would warn where there are no widgets.
            warnings.filterwarnings("ignore", message="IProgress not found")
            import tqdm.auto  # noqa: F401

    @property
    def is_started(self) -> bool:
        return self._handle is not None

    def start(self) -> None:
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
        self._handle.display({"text/html": "", "text/plain": ""}, raw=True)

    def update(self, renderable: RenderableType, *, refresh: bool) -> None:
        assert self._handle is not None, "it isn't started"
        if refresh:
            html, text = as_html(renderable), as_text(renderable, WIDTH)
            self._handle.update({"text/html": html, "text/plain": text}, raw=True)

    def stop(self) -> None:
        if self._transient and self._handle is not None:
            self._handle.update({"text/html": "", "text/plain": ""}, raw=True)
        self._handle = None


def screen_of(console: Console, *, transient: bool = False) -> Screen | None:
    """What progress is drawn on: a notebook's cell, or a terminal; None where there is neither."""
    if in_notebook():
        return NotebookScreen(transient=transient)
    if console.is_terminal:
        return Live(console=console, auto_refresh=False, transient=transient)
    return None


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook: Jupyter, Colab, VS Code."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def show_figures_inline() -> None:
    """Have a notebook show matplotlib's figures, unless it has been told how already."""
    if not in_notebook():
        return
    from IPython import get_ipython
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib.figure import Figure

    shell = get_ipython()
    formatters = shell.display_formatter.formatters
    if not any(Figure in formatters[f"image/{kind}"].type_printers for kind in ("png", "svg+xml")):
        select_figure_formats(shell, {"png"})  # type: ignore[no-untyped-call]


def shows_progress() -> bool:
    """Whether somebody is likely to look at progress, who has not said so."""
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def as_html(renderable: RenderableType, width: int = WIDTH) -> str:
    """What a terminal would show, for a page: in its colours, on its own background."""
    console = literal_console(
        file=io.StringIO(), record=True, width=width, force_jupyter=False, force_terminal=True
    )
    console.print(renderable)
    return console.export_html(inline_styles=True, code_format=HTML)


def as_text(renderable: RenderableType, width: int = 80) -> str:
    """What a terminal without colours would show."""
    options = {"force_jupyter": False, "force_terminal": False, "highlight": False}
    console = literal_console(file=io.StringIO(), width=width, **options)
    with console.capture() as captured:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
