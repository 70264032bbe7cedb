"""Archives of environments: written, and restored without a network."""
