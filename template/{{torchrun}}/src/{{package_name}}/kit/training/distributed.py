# Owned by the template: every update rewrites this file. What is shared out: train.py.
"""Several processes that train one model."""
