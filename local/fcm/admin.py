"""The simulator's own routes; JSON in and out, no credential.

| route | does |
|---|---|
| POST /_sim/faults | puts a fault rule in force: `{"id", "match", "times", "answer"}` → 201 and the rule |
| GET /_sim/faults | `{"faults": [rule with "hits"]}` in their order |
| DELETE /_sim/faults | takes every rule out of force → 204 |
| DELETE /_sim/faults/{id} | takes one out → 204, or 404 |
| GET /_sim/messages?target=&project=&limit=100 | `{"messages": […]}`: the newest that match, oldest first, in full; `limit` ≤ 10000 |
| DELETE /_sim/messages | forgets messages, targets and totals → 204 |
| GET /_sim/targets?prefix=&project=&after=0&limit=10000 | `{"targets": […], "next"}`: every target's record; `next` is the next `after`, or null |
| GET /_sim/subscriptions?target=&project= | `{"subscriptions": [{"project", "target", "topic"}]}`: who is subscribed to what |
| DELETE /_sim/subscriptions | forgets them → 204 |
| GET /_sim/stats | accepted, validated, dropped, refused by "status code", connections, most streams in flight |

`match`: `targets` (list), `target_prefix`, `kind`, `project`, `share` (0…1 of requests) with `seed`; all given must hold.
The kind `subscription` means requests about topic subscriptions, whose targets are registrations.
`times`: how often, null for ever. `answer`: `error` (a name of `errors.ErrorName`) or `status` with `body` (JSON object or
text), or neither for a normal acceptance; with `retry_after` (seconds or HTTP date), `delay_seconds`, `accept_first`,
`drop` ("before" | "after" accepting) with `drop_scope` ("connection" | "stream"), `goaway`.
"""

from __future__ import annotations

from itertools import islice

from pydantic import ValidationError

from local.fcm.connections import Connections
from local.fcm.exchange import Answer, Request, json_answer
from local.fcm.fault_rules import FaultRule
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.subscriptions import Subscriptions

NO_CONTENT = 204
LARGEST_PAGE = 10_000


class AdminApi:
    """Tells what happened and takes fault rules."""

    def __init__(self, inbox: Inbox, faults: FaultBook, connections: Connections, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self._inbox = inbox
        self._faults = faults
        self._connections = connections

    def add_fault(self, request: Request) -> Answer:
        """Put a rule in force."""
        try:
            rule = FaultRule.model_validate_json(request.body)
        except ValidationError as invalid:
            problems = [{"field": ".".join(map(str, row["loc"])), "message": row["msg"]} for row in invalid.errors()]
            return json_answer(400, {"errors": problems})
        return json_answer(201, self._faults.add(rule).document())

    def list_faults(self, _request: Request) -> Answer:
        """List the rules in force."""
        return json_answer(200, {"faults": [fault.document() for fault in self._faults.all()]})

    def clear_faults(self, _request: Request) -> Answer:
        """Take every rule out of force."""
        self._faults.clear()
        return Answer(NO_CONTENT)

    def remove_fault(self, _request: Request, fault_id: str) -> Answer:
        """Take one rule out of force."""
        return Answer(NO_CONTENT) if self._faults.remove(fault_id) else json_answer(404, {"errors": [{"message": "no such fault"}]})

    def list_messages(self, request: Request) -> Answer:
        """Show the newest messages that match the query."""
        query = request.query
        limit = min(_count(query.get("limit"), 100), LARGEST_PAGE)
        return json_answer(200, {"messages": self._inbox.messages(target=query.get("target"), project=query.get("project"), limit=limit)})

    def forget_messages(self, _request: Request) -> Answer:
        """Forget what was accepted and answered."""
        self._inbox.forget()
        return Answer(NO_CONTENT)

    def list_targets(self, request: Request) -> Answer:
        """Show a page of the targets' records."""
        query = request.query
        after, limit = _count(query.get("after"), 0), min(_count(query.get("limit"), LARGEST_PAGE), LARGEST_PAGE)
        records = self._inbox.targets(prefix=query.get("prefix", ""), project=query.get("project"))
        page = list(islice(records, after, after + limit + 1))
        return json_answer(200, {"targets": page[:limit], "next": after + limit if len(page) > limit else None})

    def list_subscriptions(self, request: Request) -> Answer:
        """Show who is subscribed to what."""
        query = request.query
        found = self._subscriptions.listed(target=query.get("target"), project=query.get("project"))
        return json_answer(200, {"subscriptions": list(found)})

    def forget_subscriptions(self, _request: Request) -> Answer:
        """Forget who is subscribed."""
        self._subscriptions.forget()
        return Answer(NO_CONTENT)

    def show_stats(self, _request: Request) -> Answer:
        """Show the totals."""
        counts = self._inbox.counts
        totals = {name: counts[name] for name in ("accepted", "validated", "dropped")}
        kept = {"kept_messages": len(self._inbox), "targets": self._inbox.target_count}
        links = {"connections": self._connections.document(), "max_concurrent_streams": self._connections.most_streams}
        return json_answer(200, {**totals, "refused": dict(self._inbox.refused), **kept, **links})


def _count(text: str | None, default: int) -> int:
    """Read a number from a query; anything else means the default."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
