"""`/metrics`: the numbers of the whole fleet, as Prometheus reads them."""

from __future__ import annotations

from typing import Any

from flask import Response

from fanfare.domain.client import Scope
from fanfare.domain.metrics_text import CONTENT_TYPE, write_text
from fanfare.services.show_metrics import show_metrics
from fanfare.web.gate import authorized, deps
from fanfare.web.resource import Resource

routes = Resource("metrics", "What the whole fleet has done.")
_TEXT: Any = {"description": "Prometheus's text format.", "content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}


@routes.get("/metrics", responses={200: _TEXT})
@authorized(Scope.PLATFORM, bearer_token=True)
def metrics() -> Response:
    """Show the fleet's counters and histograms, at most six minutes old, and what is being sent and held."""
    return Response(write_text(show_metrics(deps())), content_type=CONTENT_TYPE)
