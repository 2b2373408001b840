"""The report of a comparison: its table, text, plots, page of HTML, and files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
