"""Compare two locks or environments, and report the differences."""
