"""Data of a user's own: from files to arrays on disk, which are mapped into memory. No torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
