# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes a trained model in the format that the project's inference runtime reads."""

from .artifact import ExportRequest, export_model, precisions

__all__ = ["ExportRequest", "export_model", "precisions"]
