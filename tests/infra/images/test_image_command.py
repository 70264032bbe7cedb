"""``make image``: the right command of the engine that is there, or one sentence."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.infra.images.conftest import run_tools
from tests.lifecycle.projects import error_sentence, succeeded
from tests.render.conftest import Projects
from tests.support.copier_runs import commit, git
from tests.tools.test_lock_format import TORCH_LOCK

PLATFORM = "linux-x86_64"
