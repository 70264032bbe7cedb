"""The Pythons of this machine, and small pinned environments of tools."""
