"""`python -m curriculum`."""

import sys

if __name__ == "__main__":
    # The current folder, which `-m` puts first, comes after what is installed: a user's own
    # `mlflow.py` is no library. Experiments there are found all the same.
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))

    from curriculum.cli.main import program

    program()
