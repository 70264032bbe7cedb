"""Tests of the server that writes text."""
