"""The daily tick of cleanup: a task for each tenant, so that no tenant waits for another."""

from __future__ import annotations

from fanfare.ports import Deps

TENANTS = 100


def begin_cleanup(deps: Deps, request_id: str) -> int:
    """Ask for the cleanup of every tenant; returns for how many the queue took it. Where it did not, tomorrow's tick asks again."""
    asked, refused, after = 0, 0, None
    while True:
        page = deps.tenants.list(TENANTS, after)
        taken = sum(deps.tasks.enqueue_cleanup(tenant.id, request_id) for tenant in page.items)
        asked, refused, after = asked + taken, refused + len(page.items) - taken, page.next_after
        if after is None:
            break
    deps.log.info("cleanup_begun", tenants=asked, refused=refused)
    return asked
