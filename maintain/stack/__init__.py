"""The stack release as data: read it, check it, resolve it."""
