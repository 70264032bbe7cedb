"""Adopt an existing repository: read it, plan, and write the result on a branch of its own."""
