"""Training runs as a measure: what the team expects of one."""
