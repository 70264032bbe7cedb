"""Measurements of the template itself, as ratios of what is measured in the same run."""
