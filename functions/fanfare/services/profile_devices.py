"""All devices of a profile, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fanfare.domain.device import Device
from fanfare.ports import Deps

PAGE = 100
"""As many as one commit changes."""


def pages_of_devices(deps: Deps, tenant: str, profile_id: str) -> Iterator[Sequence[Device]]:
    """Read every device of a profile in the order of their ids, softly deleted ones too."""
    page = deps.devices.list_of_profile(tenant, profile_id, PAGE, None)
    yield page.items
    while page.next_after is not None:
        page = deps.devices.list_of_profile(tenant, profile_id, PAGE, page.next_after)
        yield page.items
