"""The record of a run: its journal and checkpoints on disk, and their copy in MLflow."""
