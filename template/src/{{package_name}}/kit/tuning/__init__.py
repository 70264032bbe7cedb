# Owned by the template: every update rewrites this file. What is searched: configs/tune.yaml.
"""Searches the best settings of a training: every trial is a recorded run, every search a study."""

from .search import Search, SilentReporter, TrialResult
from .space import TuneConfig

__all__ = ["Search", "SilentReporter", "TrialResult", "TuneConfig"]
