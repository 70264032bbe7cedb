"""What ``make doctor`` looks for: one module per group of checks, all on a collected context."""
