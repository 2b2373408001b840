"""Words, tables and figures from records: of one run, of many, and of a comparison."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
