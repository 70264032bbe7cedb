# Owned by the template: every update rewrites this file. Figures of your own go into figures.py.
"""Recorded runs as data frames and figures."""
