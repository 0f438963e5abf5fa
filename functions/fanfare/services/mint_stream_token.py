"""Letting an app listen in Firestore: to what is public of one profile's notifications, or to all notifications of the tenant."""

from __future__ import annotations

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Call
from fanfare.domain.errors import Forbidden, NotFound
from fanfare.domain.listening import PUBLIC
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.stream_token import LIFE, Listener, StreamToken, claims_of
from fanfare.ports import Deps
from fanfare.services.note_readers import note_readers


def mint_profile_token(deps: Deps, call: Call, profile_id: str) -> StreamToken:
    """Make a token for a profile's app, and have its documents written from now on. NotFound for a profile that is not there, or is deleted."""
    return _for_profile(deps, call, deps.profiles.get(call.tenant, profile_id))


def mint_user_token(deps: Deps, call: Call, profile_id: str | None) -> StreamToken:
    """The same for an app's user, whose own profile need not be named. NotFound if there is none yet; Forbidden for every other one."""
    own = Address(AddressKind.EXTERNAL, call.user or "")
    profile = deps.profiles.find(call.tenant, [own]).get(own)
    if profile_id is not None and (profile is None or profile_id != profile.id):
        # Whether the other one exists is not told.
        raise Forbidden("A user may listen for their own profile alone.")
    return _for_profile(deps, call, profile)


def mint_tenant_token(deps: Deps, call: Call) -> StreamToken:
    """Make a token for whoever watches over all of the tenant's notifications; the audit log says who asked for it."""
    token = _mint(deps, Listener(call.tenant))
    deps.audit.record(call.tenant, AuditEntry("stream_token.minted", call.actor, deps.clock.now()))
    return token


def _for_profile(deps: Deps, call: Call, profile: Profile | None) -> StreamToken:
    if profile is None or profile.state is not ProfileState.ACTIVE:
        raise NotFound.of("profile")
    token = _mint(deps, Listener(call.tenant, profile.id))
    note_readers(deps, call.tenant, (PUBLIC,))
    return token


def _mint(deps: Deps, listener: Listener) -> StreamToken:
    now = deps.clock.now()
    expires_at = now + LIFE
    return StreamToken(deps.custom_tokens.mint(listener.uid, claims_of(listener, expires_at), issued_at=now, expires_at=expires_at), expires_at)
