"""The tasks that come with the package, one a file."""

from tasks.first_bit import FirstBit

__all__ = ["FirstBit"]
