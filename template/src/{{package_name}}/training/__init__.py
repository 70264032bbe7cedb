"""Training, its checkpoints and the evaluation of what was trained."""
