"""Models, as settings that are light to import; their networks load torch when built."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
