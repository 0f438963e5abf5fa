"""`/receipts`: apps report that messages have come and were read."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.take_receipts import take_receipts
from fanfare.web.gate import authorized, call, deps
from fanfare.web.receipt_schemas import ReceiptsIn, ReceiptsOut, show_taken
from fanfare.web.resource import Resource

routes = Resource("receipts", "What apps report of messages: that they came, that they were read.")


@routes.post("/receipts", responses={200: ReceiptsOut})
@authorized(Scope.DEVICES, users=True, receipts=True)
def take(body: ReceiptsIn) -> Response:
    """Note that messages were delivered and read. To say it again, late or in another order is harmless."""
    return jsonify(show_taken(take_receipts(deps(), call(), body.reports(), skip_refused=body.on_invalid == "skip")))
