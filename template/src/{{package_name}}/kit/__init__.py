# Owned by the template: every update rewrites this file. Your own code: beside this folder.
"""What the template keeps up to date: runs, export, inference, and what they need."""
