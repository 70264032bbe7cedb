"""The checks of ``make doctor``: one module per group, all on a collected context."""
