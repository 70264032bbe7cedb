# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""How `make update` works: the template's two releases are rendered apart, then merged by path."""
