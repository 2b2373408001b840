"""The experiments that come with the package; to Python, this is `curriculum.experiments`."""
