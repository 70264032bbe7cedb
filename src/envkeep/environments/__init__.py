"""Environments: made from locks, checked, listed, switched."""
