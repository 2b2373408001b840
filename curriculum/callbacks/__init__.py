"""The scheduler as a callback of other training loops. Each library's has a module of its own."""
