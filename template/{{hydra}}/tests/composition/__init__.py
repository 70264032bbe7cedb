"""Settings that Hydra composes."""
