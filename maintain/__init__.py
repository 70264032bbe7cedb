"""Library behind the maintainers' commands in scripts/, and behind hooks/."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""This repository."""
