"""What this project is: its facts, requirements, target, owners, git."""
