# Owned by the template: every update rewrites this file. New code imports it from kit/.
"""Exports of models with one input and named classes; `kit.export` knows others too."""

from .artefact import ExportRequest, export_model, precisions

__all__ = ["ExportRequest", "export_model", "precisions"]
