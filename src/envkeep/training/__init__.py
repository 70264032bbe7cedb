"""Training runs, and the baseline that they must reach."""
