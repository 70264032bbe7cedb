"""Write a list of components in CycloneDX's form; run by the interpreter that audits.

Reads JSON as ``commands/sbom.py`` makes it and prints CycloneDX 1.6, the same for the same input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cyclonedx.factory.license import LicenseFactory  # type: ignore[import-not-found]
from cyclonedx.model import HashAlgorithm, HashType, Property  # type: ignore[import-not-found]
from cyclonedx.model.bom import Bom  # type: ignore[import-not-found]
from cyclonedx.model.component import Component, ComponentType  # type: ignore[import-not-found]
from cyclonedx.model.license import LicenseAcknowledgement  # type: ignore[import-not-found]
from cyclonedx.output import make_outputter  # type: ignore[import-not-found]
from cyclonedx.schema import OutputFormat, SchemaVersion  # type: ignore[import-not-found]
from packageurl import PackageURL  # type: ignore[import-not-found]

LAYER = "requirements:layer"


def component_of(row: Mapping[str, Any], kind: Any) -> Any:
    """Return a component: the project itself, or what is locked."""
    known = {"download_url": row.get("address"), "repository_url": row.get("index")}
    where = {name: value for name, value in known.items() if value} or None
    purl = PackageURL("pypi", None, row["name"], row["version"], qualifiers=where)
    files = row.get("sha256", ())
    return Component(
        type=kind,
        name=row["name"],
        version=row["version"],
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in files],
        licenses=[license_of(row["license"])] if row.get("license") else (),
        properties=[Property(name=LAYER, value=row["layer"])] if row.get("layer") else (),
    )


def license_of(text: str) -> Any:
    """Return a license as an SPDX identifier or expression if it is one, else as a name."""
    declared = LicenseAcknowledgement.DECLARED
    return LicenseFactory().make_from_string(text, license_acknowledgement=declared)


def bom_of(given: Mapping[str, Any]) -> Any:
    """Return what is locked, and what brings what."""
    bom = Bom(serial_number=UUID(given["serial"]))
    if given["seconds"] is not None:
        bom.metadata.timestamp = datetime.fromtimestamp(given["seconds"], UTC)
    project = component_of(given["project"], ComponentType.APPLICATION)
    bom.metadata.component = project
    found = {row["name"]: component_of(row, ComponentType.LIBRARY) for row in given["components"]}
    for component in found.values():
        bom.components.add(component)
    bom.register_dependency(project, [found[name] for name in given["direct"]])
    for row in given["components"]:
        bom.register_dependency(found[row["name"]], [found[name] for name in row["needs"]])
    return bom


def as_text(given: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    bom = bom_of(given)
    output = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    content = json.loads(output)
    if given["seconds"] is None:
        del content["metadata"]["timestamp"]  # the library states its own time otherwise
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(as_text(json.load(sys.stdin)))
