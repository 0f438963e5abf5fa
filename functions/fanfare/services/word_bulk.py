"""What each message of a request says, checked: equal messages once, messages of one template without reading it again for each of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fanfare.domain.bulk import MOST_TEMPLATES, BulkRequest, Refused, WrongItem, wrong_item
from fanfare.domain.composition import compose
from fanfare.domain.content import Content
from fanfare.domain.errors import FanfareError, InvalidRequest
from fanfare.domain.message import Platform
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.send_request import SendRequest
from fanfare.domain.template import Template
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.variants import check_spoken
from fanfare.domain.wording import Wording, bare_wording, check_named, names_of, with_variables
from fanfare.ports import Deps
from fanfare.services.templates import usable
from fanfare.services.word_notification import check_content, find_template, life_of, platforms_of

LARGEST_MESSAGE = 65_536
"""Bytes of what a message says itself, as JSON: what FCM takes of it is far less, but headers and options do not count for FCM."""


def word_bulk(deps: Deps, tenant: str, request: BulkRequest, settings: TenantSettings) -> tuple[Mapping[int, Content], Refused]:
    """What each item says, and what is wrong with those that can't be sent; InvalidRequest if they name too many templates."""
    named = {item.template for item in request.items.values() if item.template is not None}
    if len(named) > MOST_TEMPLATES:
        raise InvalidRequest.at(request.path, f"name more than {MOST_TEMPLATES} templates")
    worder = _Worder(deps, tenant, settings)
    contents: dict[int, Content] = {}
    refused: dict[int, WrongItem] = {}
    for index, item in request.items.items():
        said = worder.content_of(item)
        if isinstance(said, Content):
            contents[index] = said
        else:
            refused[index] = said
    return contents, refused


def check_rows(deps: Deps, rows: Mapping[int, Sequence[Recipient]]) -> Refused:
    """What is wrong with items whose template, in the language of one of their recipients or with its username, says what can't be sent."""
    wrong: dict[Rendition, WrongItem | None] = {}
    refused: dict[int, WrongItem] = {}
    for index, own in rows.items():
        for rendition in {rendition_of(None, row) for row in own}:
            if rendition not in wrong:
                wrong[rendition] = _check_rendition(deps, rendition)
            found = wrong[rendition]
            if found is not None:
                refused[index] = found
    return refused


def _check_rendition(deps: Deps, rendition: Rendition) -> WrongItem | None:
    content = rendition.content
    if content is None or content.wording is None or (rendition.locale is None and rendition.username is None):
        return None
    try:
        said = compose(
            content.wording,
            content.own,
            deps.renderer.render,
            platform=rendition.platform,
            locale=rendition.locale,
            username=rendition.username,
        )
        check_spoken(said, (rendition.platform,))
    except InvalidRequest as error:
        return wrong_item(error)
    return None


@dataclass(slots=True)
class _Worder:
    """What is known already of one request's templates and messages."""

    deps: Deps
    tenant: str
    settings: TenantSettings
    _templates: dict[str, Template | FanfareError] = field(default_factory=dict)
    _bare: dict[str, Wording] = field(default_factory=dict)
    _names: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _said: dict[tuple[str | None, str, str], Content | WrongItem] = field(default_factory=dict)
    _checked: dict[tuple[Content, Collection[Platform | None]], WrongItem | None] = field(default_factory=dict)

    def content_of(self, item: SendRequest) -> Content | WrongItem:
        """What an item says; the same object for equal items."""
        own = _to_json(item.raw)
        key = (item.template, own, _to_json(item.variables))
        said = self._said.get(key)
        if said is None:
            said = self._said[key] = self._say(item, own)
        if isinstance(said, WrongItem):
            return said
        platforms = platforms_of(item)
        if (said, platforms) not in self._checked:
            self._checked[said, platforms] = self._check(item, said, platforms)
        return self._checked[said, platforms] or said

    def _say(self, item: SendRequest, own: str) -> Content | WrongItem:
        try:
            if len(own.encode()) > LARGEST_MESSAGE:
                raise InvalidRequest.at("", f"has more than {LARGEST_MESSAGE} bytes")
            wording = self._word(item, own) if item.template is not None else None
        except FanfareError as error:
            return wrong_item(error)
        return Content(item.raw, life_of(item, wording, usual=self.settings.default_ttl_seconds), wording)

    def _word(self, item: SendRequest, own: str) -> Wording:
        template = self._template(item.template or "")
        if template.name not in self._bare:
            self._bare[template.name] = bare_wording(template)
        bare = self._bare[template.name]
        names = self._names.get((template.name, own))
        if names is None:
            names = self._names[template.name, own] = names_of(bare, item.raw)
        wording = with_variables(bare, template.defaults, item.variables, names)
        check_named(wording, names)
        return wording

    def _template(self, name: str) -> Template:
        if name not in self._templates:
            try:
                self._templates[name] = usable(find_template(self.deps, self.tenant, name))
            except FanfareError as error:
                self._templates[name] = error
        found = self._templates[name]
        if isinstance(found, FanfareError):
            raise found
        return found

    def _check(self, item: SendRequest, said: Content, platforms: Collection[Platform | None]) -> WrongItem | None:
        """Check what everybody is told; what is said in a language, to those whom it reaches, is checked once they are known."""
        wording = replace(said.wording, locales={}) if said.wording is not None else None
        try:
            check_content(self.deps, item, wording, platforms, self.settings.channels)
        except FanfareError as error:
            return wrong_item(error)
        return None


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
