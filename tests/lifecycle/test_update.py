"""`copier update` from release to release, in projects that were left alone and in edited ones."""

from __future__ import annotations
