# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""What ``make doctor`` looks for: one module per group of checks, all on a collected situation."""
