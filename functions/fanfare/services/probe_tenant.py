"""Asking FCM whether a held tenant's project works again: one message that is checked and not delivered."""

from __future__ import annotations

from fanfare.domain.breaker import ALL
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.chunk_rows import recipients_of
from fanfare.domain.classification import RULES as FCM_RULES
from fanfare.domain.classification import Kind, MessageAction
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.outcome import FINAL_OUTCOMES
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendition import rendition_of
from fanfare.domain.sweeping import position_after
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.hold_tenant import close_tenant_breaker, postpone_tenant_probe
from fanfare.services.retire_targets import ask
from fanfare.services.send_pass import Work, encode_for, work_of

MOST_LOOKED_AT = 20
MOST_PAGES = 5


def probe_tenant(deps: Deps, tenant: Tenant, scope: str) -> None:
    """Probe one breaker with a recipient of a parked chunk and close it if the answer is no longer that everything is broken.

    Without a parked chunk there is nothing to probe with and nothing that waits: the breaker closes, and the next send tells.
    """
    found = _parked_recipient(deps, tenant, scope)
    body = _body(deps, *found) if found else None
    if body is None or _is_mended(ask(deps, tenant, body)):
        close_tenant_breaker(deps, tenant.id, scope)
    else:
        postpone_tenant_probe(deps, tenant.id, scope)


def _body(deps: Deps, work: Work, row: Recipient) -> bytes | None:
    """The message to probe with; None if it can't be worded for this recipient any more: the send will say so."""
    rendition = rendition_of(work.notification.wording, row)
    try:
        return encode_for(deps, work, rendition, deps.clock.now(), validate_only=True).splice(row.target.value, "")
    except InvalidRequest:
        return None


def _is_mended(kind: Kind) -> bool:
    """Any answer about the message or its target proves that the project works; a server error or silence proves nothing."""
    return FCM_RULES[kind].message not in {MessageAction.PARK, MessageAction.RETRY} and kind is not Kind.THIRD_PARTY_AUTH


def _parked_recipient(deps: Deps, tenant: Tenant, scope: str) -> tuple[Work, Recipient] | None:
    """Somebody of the scope in a parked chunk: looked for in the first ones, then in those that come after them by name, page by page."""
    after: ChunkKey | None = None
    for _ in range(MOST_PAGES):
        keys = deps.chunks.find_parked(tenant.id, MOST_LOOKED_AT, after)
        chunks = deps.chunks.get_many(keys)
        for chunk in chunks:
            found = _recipient_in(deps, tenant, scope, chunk) if chunk is not None and _may_hold(chunk, scope) else None
            if found is not None:
                return found
        if (after := position_after(keys, MOST_LOOKED_AT)) is None:
            break
    return None


def _may_hold(chunk: Chunk, scope: str) -> bool:
    """Tell by what is stored of a chunk whether somebody of the scope may wait in it; before its first results nothing is known."""
    waiting = [result for result in chunk.results.values() if result.outcome not in FINAL_OUTCOMES]
    return scope == ALL or len(chunk.results) < chunk.counts.targeted or any(result.platform == scope for result in waiting)


def _recipient_in(deps: Deps, tenant: Tenant, scope: str, chunk: Chunk) -> tuple[Work, Recipient] | None:
    found = deps.chunks.read_chunk(chunk.key)
    if found is None:
        return None
    recipients = recipients_of(*found, chunk.results)
    row = next((row for row in recipients if scope in (ALL, row.platform)), None)
    return (work_of(tenant, found[0], recipients, chunk), row) if row is not None else None
