"""A new tenant's first templates."""

from __future__ import annotations

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor
from fanfare.domain.starter_templates import starter_templates
from fanfare.ports import Deps


def start_templates(deps: Deps, tenant: str, actor: Actor) -> None:
    """Store the starters that a tenant lacks; one that is there, whatever it says by now, is left alone. A repeat changes nothing."""
    now = deps.clock.now()
    for template in starter_templates(now):
        deps.templates.create(tenant, template, trail("template.created", actor, now))
