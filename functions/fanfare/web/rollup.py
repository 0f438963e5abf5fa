"""The surface of `rollup`: the tick of every five minutes."""

from __future__ import annotations

from dataclasses import asdict

from flask import Flask, Response, g, jsonify

from fanfare.ports import Deps
from fanfare.services.rollup import roll_up
from fanfare.web.internal import build_internal


def build_rollup(deps: Deps) -> Flask:
    """Build the app of the `rollup` function."""
    return build_internal(deps, "rollup", lambda: _tick(deps))


def _tick(deps: Deps) -> Response:
    return jsonify({"result": "finished", "rolled_up": asdict(roll_up(deps, g.request_id))})
