"""``make update``: what it protects, refuses and says."""
