"""Training and evaluation: tasks, models, optimizers, the learner and its trainer. No disk.

Importing this package loads no torch; its modules that train do.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
