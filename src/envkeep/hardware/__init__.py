"""Detect this computer's hardware, and read the stack's catalog."""
