"""The surface of `schedule`: the tick of every minute."""

from __future__ import annotations

from dataclasses import asdict

from flask import Flask, Response, g, jsonify

from fanfare.ports import Deps
from fanfare.services.fire_schedules import fire_schedules
from fanfare.services.sweep import sweep
from fanfare.web.internal import build_internal


def build_schedule(deps: Deps) -> Flask:
    """Build the app of the `schedule` function."""
    return build_internal(deps, "schedule", lambda: _tick(deps))


def _tick(deps: Deps) -> Response:
    """Fire what is due, and sweep whatever becomes of that: what is overdue does not wait for the schedules' trouble to be over."""
    try:
        fired = fire_schedules(deps, g.request_id)
    finally:
        swept = sweep(deps, g.request_id)
    return jsonify({"result": "finished", "schedules": asdict(fired), "swept": asdict(swept)})
