"""One module per command: ``HELP``, ``add_arguments`` and ``run``."""
