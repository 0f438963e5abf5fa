"""Answers in the shape of the fcmpy daemon: `{"status": "ok", "msg": …}`; its refusals are made in `root_paths.py`."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from fanfare.domain.analytics import Row
from fanfare.domain.health import Vitals
from fanfare.services.new_notification import Accepted
from fanfare.services.show_daemon_stats import DaemonStats


def say(msg: str, **facts: object) -> Response:
    """Say that all is well."""
    return jsonify({"status": "ok", "msg": msg, **facts})


def answer_queued(accepted: Accepted) -> Response:
    """Say what was accepted: to how many devices it goes, 0 for a username that nobody has."""
    notification = accepted.notification
    response = say("queued", id=notification.id, devices=notification.counts.targeted)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def show_stats(stats: DaemonStats, vitals: Vitals) -> Response:
    """Show the numbers of the days, and how this instance is."""
    system = {
        "uptime_seconds": round(vitals.uptime_seconds, 1),
        "load": list(vitals.load),
        "memory_bytes": vitals.memory_bytes,
        "db_connected": stats.is_connected,
    }
    return jsonify({"status": "ok", "today": _day(stats.today), "daily": [_day(row) for row in stats.days], "system": system})


def _day(row: Row) -> dict[str, Any]:
    amounts = row.amounts
    return {"date": row.key.day.isoformat(), "sent_ok": amounts.total_sent, "sent_fail": amounts.total_failed, "cleaned": amounts.cleaned}
