"""What differs between two locks or environments, and how it is told."""
