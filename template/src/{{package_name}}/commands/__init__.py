"""The project's own commands: every module here is one, found by its file name.

One with the name of a module in `kit/commands/` takes its place. To change such a command, copy it
here; in what it imports `...` becomes `..`, and `..` becomes `..kit.`. `kit/commands/__init__.py`
says what a command has.
"""
