"""What the outlets have in common, and what the API says of the push: the end of the transcript."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.show.follow import Followed
from tests.show.outlet import FollowError, Outlet
from tests.show.transcript import counts_in_words, table


def find_differences(outlets: list[Outlet]) -> list[str]:
    """Where outlets told other events than the first one, other bytes of one, or one of them twice."""
    first, *others = ({copy.id: copy.body for copy in outlet.copies} for outlet in outlets)
    found = [f"{outlet.name} told an event twice" for outlet in outlets if len({copy.id for copy in outlet.copies}) != len(outlet.copies)]
    for outlet, bodies in zip(outlets[1:], others, strict=True):
        found += [f"{outlet.name} does not tell {event_id}" for event_id in first.keys() - bodies.keys()]
        found += [f"{outlet.name} alone tells {event_id}" for event_id in bodies.keys() - first.keys()]
        found += [
            f"{outlet.name} tells {event_id} in other bytes" for event_id in first.keys() & bodies.keys() if first[event_id] != bodies[event_id]
        ]
    return sorted(found)


def report(seen: Followed) -> list[str]:
    """The last part of the transcript; FollowError if outlets differ, or if a post's signature was not the webhook's."""
    wrong = find_differences(seen.outlets) + [f"the signature of {event_id} was refused" for event_id in seen.refused_posts]
    if wrong:
        raise FollowError("; ".join(wrong))
    return ["", "Each event has one id and the same bytes in every outlet:", "", *_events(seen.outlets), "", *_asked(seen)]


def _events(outlets: list[Outlet]) -> list[str]:
    came = [{copy.id: copy.seconds for copy in outlet.copies} for outlet in outlets]
    rows = [
        (copy.kind, copy.id, f"{len(copy.body):>5}", *(f"{seconds[copy.id]:6.2f} s" for seconds in came))
        # In the ledger's order, which is that of the stream.
        for copy in outlets[1].copies
    ]
    return table([("event", "id", "bytes", *(outlet.name for outlet in outlets)), *rows])


def _asked(seen: Followed) -> list[str]:
    delivery, trace = seen.deliveries[seen.phone.id], seen.trace
    outcome = f"{delivery['outcome']} after {delivery['attempts']} attempts, {delivery['fcm_message_id']}"
    return [
        f"GET /notifications/{seen.id}/status: {seen.status['status']} ({counts_in_words(seen.status['counts'])})",
        f"GET /notifications/{seen.id}/deliveries: {outcome}",
        f"GET /notifications/{seen.id}/devices/{seen.phone.id}:",
        "",
        *table([("  matched by", f"{trace['matched']['by']}: {trace['matched']['value']}"), *_explained(trace)]),
        "",
        *_steps(trace["steps"]),
    ]


def _explained(trace: dict[str, Any]) -> list[tuple[str, str]]:
    told, target = trace["template"], trace["target"]
    webhooks = ", ".join(f"{each['kind']} {each['state']}" for each in trace["webhooks"])
    return [
        ("  worded by", f"template {told['name']}, version {told['version']}, locale {told['locale']}"),
        ("  sent to", f"{target['kind']} …{target['hint']}"),
        ("  webhooks", webhooks),
    ]


def _steps(steps: list[dict[str, Any]]) -> list[str]:
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    return table(
        [(f"  +{(at - times[0]).total_seconds():5.2f} s", step["step"], step["detail"] or "") for at, step in zip(times, steps, strict=True)],
    )
