# Owned by the template: every update rewrites this file. Your own code: train.py.
"""Checkpoints, and what runs need of a framework."""
