"""The state of a fan-out and its document, and what a fan-out writes of its notification."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fanfare.adapters.firestore.notification_mapping import judgement_to_document, layout_to_document, steering_to_document
from fanfare.domain.fanning import Again, Fanout, Packing, Phase, Rescan
from fanfare.domain.notification import Notification
from fanfare.domain.zone_packing import ZonePacking

VERSION = 1


def fanout_to_document(fanout: Fanout) -> dict[str, Any]:
    """Map how far a broadcast was fanned out."""
    return {
        "v": VERSION,
        "owner": fanout.owner,
        "lease_until": fanout.lease_until,
        "phase": fanout.phase.value,
        "stage": fanout.stage,
        "position": fanout.position,
        "expected": fanout.expected,
        "judge_at": fanout.judge_at,
        "look_at": fanout.look_at,
        "rescan": {"wanted": fanout.rescan.wanted.value, "position": fanout.rescan.position} if fanout.rescan else None,
        "packing": {**asdict(fanout.packing), "ends": list(fanout.packing.ends)} if fanout.packing else None,
        "zones": _zones_to_document(fanout.zones) if fanout.zones else None,
    }


def fanout_from_document(fields: dict[str, Any]) -> Fanout:
    """Map a document."""
    rescan, packing = fields["rescan"], fields["packing"]
    return Fanout(
        owner=fields["owner"],
        lease_until=fields["lease_until"],
        phase=Phase(fields["phase"]),
        stage=fields["stage"],
        position=fields["position"],
        expected=fields["expected"],
        judge_at=fields["judge_at"],
        look_at=fields["look_at"],
        rescan=Rescan(Again(rescan["wanted"]), rescan["position"]) if rescan else None,
        packing=Packing(**{**packing, "ends": tuple(packing["ends"])}) if packing else None,
        zones=_zones(fields["zones"]) if fields.get("zones") else None,
    )


def fanned_to_document(notification: Notification) -> dict[str, Any]:
    """Map what a fan-out writes of its notification."""
    return {
        **steering_to_document(notification),
        "layout": layout_to_document(notification.layout),
        "chunk_count": notification.chunk_count,
        "judgement": judgement_to_document(notification.judgement),
    }


def _zones_to_document(zones: ZonePacking) -> dict[str, Any]:
    return asdict(zones) | {name: list(getattr(zones, name)) for name in _LISTS}


def _zones(fields: dict[str, Any]) -> ZonePacking:
    return ZonePacking(**fields | {name: tuple(fields[name]) for name in _LISTS})


_LISTS = ("dues", "written", "settled")
