"""What this computer is, and what the stack release knows of hardware."""
