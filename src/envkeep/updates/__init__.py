"""How `make update` works: the template's two releases are rendered apart, then merged by path."""
