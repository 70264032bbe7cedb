"""The project's package; `python -m` runs its commands."""
