"""What the commands tell DVC, and what its files tell them."""
