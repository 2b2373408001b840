"""The package's functions for Python and notebooks: run, resume, load, show and compare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
