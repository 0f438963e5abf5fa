"""Templates and their documents: plain fields, which an operator may edit by hand in the console."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import DocumentSnapshot

from fanfare.domain.template import Template
from fanfare.domain.template_reading import read_template

VERSION = 1


def to_document(template: Template) -> dict[str, Any]:
    """Map a template."""
    said = template.message
    return {
        "v": VERSION,
        "title": said.get("title"),
        "body": said.get("body"),
        "data": said.get("data"),
        "image_url": said.get("image_url"),
        "deep_link": said.get("deep_link"),
        "actions": said.get("actions"),
        "channel": said.get("channel"),
        "sound": said.get("sound"),
        "priority": said.get("priority"),
        "silent": said.get("silent"),
        "ttl_seconds": said.get("ttl_seconds"),
        "platforms": dict(template.platforms),
        "locales": dict(template.locales),
        "defaults": dict(template.defaults),
        "syntax": template.syntax.value,
        "active": template.active,
        "version": template.version,
        "created_by": template.created_by,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
        "defect": template.defect,
    }


def version_to_document(template: Template) -> dict[str, Any]:
    """Map one of a template's versions: a copy of what its document was."""
    return {"v": VERSION, "template": to_document(template)}


def from_snapshot(name: str, snapshot: DocumentSnapshot[Any]) -> Template:
    """Map a document, whatever stands in it."""
    return read_template(name, snapshot.to_dict() or {}, snapshot.update_time)


def from_version(name: str, snapshot: DocumentSnapshot[Any]) -> Template:
    """Map one of a template's versions."""
    return read_template(name, (snapshot.to_dict() or {})["template"], snapshot.update_time)
