"""Projects that are rendered, locked and installed once and used by many tests."""

from __future__ import annotations

import pytest

from tests.lifecycle.projects import Checkpoint, Project, succeeded
