"""The `stream` function: one route, behind the same gate as the API, on instances of its own: who listens takes no thread from who sends."""

from __future__ import annotations

from flask import Flask

from fanfare.domain.event_stream import StreamPace
from fanfare.ports import Deps
from fanfare.web import gate
from fanfare.web.event_stream import EXTENSION, Streams, routes
from fanfare.web.refusals import handle_errors

PACE = StreamPace()


def build_stream(deps: Deps, pace: StreamPace = PACE) -> Flask:
    """Build the app; its streams live as `pace` says."""
    app = Flask("fanfare.stream", static_folder=None)
    app.debug, app.url_map.merge_slashes = False, False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions[EXTENSION] = Streams(pace)
    routes.serve(app)
    gate.install(app, deps)
    handle_errors(app)
    return app
