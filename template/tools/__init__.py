# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Care for this project's environment: lock, install, roll back.

Standard library only, so that it runs before anything is installed. ``make`` calls it;
``python -m tools COMMAND`` does the same where there is no make.
"""
