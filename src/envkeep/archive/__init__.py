"""Saved environments: written, and made again without a network."""
