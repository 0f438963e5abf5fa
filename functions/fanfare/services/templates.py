"""Templates: make, change, delete and find them."""

from __future__ import annotations

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.errors import Conflict, NotFound, TemplateBroken, TemplateInactive
from fanfare.domain.template import Draft, Template, changed, new_template
from fanfare.domain.template_lint import lint_template
from fanfare.ports import Deps


def create_template(deps: Deps, call: Call, name: str, draft: Draft) -> Template:
    """Store a template; InvalidRequest if it could never be sent, Conflict if its name is taken."""
    template = new_template(name, draft, created_by=call.actor.id, now=deps.clock.now())
    lint_template(template, deps.renderer.render)
    if not deps.templates.create(call.tenant, template, trail("template.created", call.actor, template.created_at)):
        raise Conflict("There is a template of this name.")
    return template


def replace_template(deps: Deps, call: Call, name: str, draft: Draft) -> Template:
    """Store what a template says from now on, as its next version; what was accepted before still says what it said. NotFound, InvalidRequest."""
    now = deps.clock.now()
    lint_template(new_template(name, draft, created_by=call.actor.id, now=now), deps.renderer.render)

    def decide(before: Template) -> Template | None:
        after = changed(before, draft, now)
        return after if after is not before else None

    stored = deps.templates.update(call.tenant, name, decide, trail("template.updated", call.actor, now))
    if stored is None:
        raise NotFound.of("template")
    return stored


def delete_template(deps: Deps, call: Call, name: str) -> None:
    """Delete a template and its versions; NotFound if there is none."""
    if not deps.templates.delete(call.tenant, name, trail("template.deleted", call.actor, deps.clock.now())):
        raise NotFound.of("template")


def get_template(deps: Deps, tenant: str, name: str, version: int | None = None) -> Template:
    """Find a template, or one of its last versions; NotFound."""
    found = deps.templates.get_fresh(tenant, name, version)
    if found is None:
        raise NotFound.of("template")
    return found


def whole(template: Template) -> Template:
    """Return the template; TemplateBroken if a hand broke it."""
    if template.defect is not None:
        raise TemplateBroken(f"The template can't be used: {template.defect}")
    return template


def usable(template: Template) -> Template:
    """Return the template; TemplateBroken or TemplateInactive if nothing may be sent by it."""
    if not whole(template).active:
        raise TemplateInactive("The template is switched off.")
    return template
