"""What ``make bisect`` is made of: which change of a package breaks a test."""
