"""Accepting a request to send: check, resolve, store in one commit, nudge."""

from __future__ import annotations

from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import FanfareError, InvalidRequest
from fanfare.domain.message import Platform
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps
from fanfare.services.new_notification import Accepted, earlier_of, new_notification, replay_of, settings_of
from fanfare.services.resolve_recipients import resolve_recipients
from fanfare.services.word_notification import check_addressed, check_content, word_request

LARGEST_RECIPIENTS_BYTES = 700 * 1024


def accept_notification(deps: Deps, call: Call, request: SendRequest) -> Accepted:
    """Accept a request to send. Nothing is stored unless all of it is good; once it is stored, it is sent even if the nudge is lost."""
    settings = settings_of(deps, call.tenant)
    try:
        wording = word_request(deps, call.tenant, request)
        check_content(deps, request, wording, _platforms(request), settings.channels)
        recipients = resolve_recipients(deps, call.tenant, request)
        _check_size(recipients)
        check_addressed(deps, request, wording, recipients)
    except FanfareError:
        # A template, the channels or whom it reaches may have changed since the first request under this key was accepted; its answer still stands.
        earlier = earlier_of(deps, call)
        if earlier is None:
            raise
        return replay_of(earlier, request.request_hash)
    notification = new_notification(deps, call, request, wording, settings, targeted=len(recipients))
    existing = deps.notifications.accept(notification, recipients)
    if existing is not None:
        return replay_of(existing, request.request_hash)
    if recipients:
        deps.tasks.enqueue_send(ChunkKey(notification.tenant, notification.id, 0), call.request_id)
    return Accepted(notification)


def _platforms(request: SendRequest) -> tuple[Platform | None, ...]:
    """The forms that a message may take: decided by the request alone, so that the same request is good or bad for everybody."""
    if request.to.fanned_out is not None:
        return (None,)
    if request.to.targets:
        return tuple({raw.platform for raw in request.to.targets})
    return request.only.platform or tuple(Platform)


def _check_size(recipients: tuple[Recipient, ...]) -> None:
    if len(pack_recipients(recipients)) > LARGEST_RECIPIENTS_BYTES:
        raise InvalidRequest.at("to", "reaches devices whose targets are together too long; send to fewer of them at once")
