"""The scheduler in other training loops, as a callback; each library's has its own module."""
