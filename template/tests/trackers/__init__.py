"""What trackers show of a run, and that no run depends on them."""
