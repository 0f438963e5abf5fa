"""The surface of `keepalive`: the pings of every minute."""

from __future__ import annotations

from dataclasses import asdict

from flask import Flask, Response, g, jsonify

from fanfare.ports import Deps
from fanfare.services.ping_devices import ping_due_devices
from fanfare.web.internal import build_internal


def build_keepalive(deps: Deps) -> Flask:
    """Build the app of the `keepalive` function."""
    return build_internal(deps, "keepalive", lambda: _tick(deps))


def _tick(deps: Deps) -> Response:
    return jsonify({"result": "finished", "pinged": asdict(ping_due_devices(deps, g.request_id))})
