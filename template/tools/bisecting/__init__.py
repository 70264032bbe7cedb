# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""What ``make bisect`` is made of: which change of a package breaks a test."""
