"""The surface of `cleanup`: the daily tick."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify

from fanfare.ports import Deps
from fanfare.services.begin_cleanup import begin_cleanup
from fanfare.web.internal import build_internal


def build_cleanup(deps: Deps) -> Flask:
    """Build the app of the `cleanup` function."""
    return build_internal(deps, "cleanup", lambda: _tick(deps))


def _tick(deps: Deps) -> Response:
    return jsonify({"result": "finished", "tenants": begin_cleanup(deps, g.request_id)})
