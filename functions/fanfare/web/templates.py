"""`/templates`: messages with variables, kept under a name."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.filters import TemplateFilter
from fanfare.domain.message import Platform
from fanfare.services.list_pages import list_templates
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.preview_template import preview_template
from fanfare.services.templates import create_template, delete_template, get_template, replace_template
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.template_answers import RenderingsOut, TemplateOut, TemplatePage, show_preview, show_template
from fanfare.web.template_schemas import RenderIn, TemplateBody, TemplateIn, TemplatePath, TemplateQuery, VersionQuery
from fanfare.web.variable_schemas import parse_variables

routes = Resource("templates", "Messages with variables.")


@routes.post("/templates", responses={201: TemplateOut, **problems(409)})
@authorized(Scope.TEMPLATES)
@repeatable
def create(body: TemplateIn) -> Response:
    """Create a template; one that could never be sent is refused."""
    return once("POST /templates", lambda: HttpAnswer(201, show_template(create_template(deps(), call(), body.name, body.draft()))))


@routes.get("/templates", responses={200: TemplatePage})
@authorized(Scope.TEMPLATES, Scope.READ)
def index(query: TemplateQuery) -> Response:
    """List templates."""
    return show_page(list_templates(deps(), call().tenant, TemplateFilter(query.active, query.prefix), query.limit, query.cursor), show_template)


@routes.get("/templates/<name>", responses={200: TemplateOut, **problems(404)})
@authorized(Scope.TEMPLATES, Scope.READ)
def show(path: TemplatePath, query: VersionQuery) -> Response:
    """Show a template, or one of its last versions."""
    return jsonify(show_template(get_template(deps(), call().tenant, path.name, query.version)))


@routes.put("/templates/<name>", responses={200: TemplateOut, **problems(404)})
@authorized(Scope.TEMPLATES)
def replace(path: TemplatePath, body: TemplateBody) -> Response:
    """Replace what a template says; what was accepted before says what it said then."""
    return jsonify(show_template(replace_template(deps(), call(), path.name, body.draft())))


@routes.delete("/templates/<name>", responses={204: None, **problems(404)})
@authorized(Scope.TEMPLATES)
def delete(path: TemplatePath) -> Response:
    """Delete a template and its versions."""
    delete_template(deps(), call(), path.name)
    return Response(status=204)


@routes.post("/templates/<name>/render", responses={200: RenderingsOut, **problems(404, 409)})
@authorized(Scope.TEMPLATES, Scope.READ)
def render(path: TemplatePath, body: RenderIn) -> Response:
    """Show what a template says with values, on each platform and in each language; nothing is sent."""
    template = get_template(deps(), call().tenant, path.name)
    platform = Platform(body.platform) if body.platform else None
    variables = parse_variables(body.variables, "variables")
    previews = preview_template(deps(), template, variables, platform=platform, locale=body.locale, username=body.username)
    return jsonify({"version": template.version, "items": [show_preview(preview) for preview in previews]})
