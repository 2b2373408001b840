"""Figures of runs and comparisons, drawn by Matplotlib."""
