"""Changes that are tried beside the active environment, and promoted."""
