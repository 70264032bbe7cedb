# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""One module per command: ``HELP``, ``add_arguments`` and ``run``."""
