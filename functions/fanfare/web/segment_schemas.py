"""Which devices a filter means, as the API takes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, WrapValidator

from fanfare.domain.identifiers import is_identifier
from fanfare.domain.message import Platform
from fanfare.domain.saved_segment import LONGEST_NAME
from fanfare.domain.segment import Segment
from fanfare.domain.versions import parse_version_range
from fanfare.web.paging import PageQuery
from fanfare.web.schema import Identifier, In, Locale, PlatformName, Tag, Timezone, Topic

_Range = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[0-9.,<>=! ]+$")]


class SegmentIn(In):
    """Filters that must all hold; a list means any of its values, except `tags`, which means all."""

    platform: Annotated[list[PlatformName], Field(max_length=3)] = Field(default_factory=list)
    app_version: _Range | None = Field(None, examples=[">=3.2,<4"])
    os_version: _Range | None = None
    locale: Annotated[list[Locale], Field(max_length=100)] = Field(default_factory=list)
    timezone: Annotated[list[Timezone], Field(max_length=100)] = Field(default_factory=list)
    seen_within_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    tags_any: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    tags_none: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    topics: Annotated[list[Topic], Field(max_length=50)] = Field(default_factory=list)
    profile_ids: Annotated[list[Identifier], Field(max_length=500)] = Field(default_factory=list)

    def segment(self, field: str) -> Segment:
        """The filters as the domain has them; `field` names them in an error."""
        return Segment(
            platform=tuple(Platform(name) for name in self.platform),
            app_version=parse_version_range(self.app_version, f"{field}.app_version") if self.app_version else (),
            os_version=parse_version_range(self.os_version, f"{field}.os_version") if self.os_version else (),
            locale=tuple(self.locale),
            timezone=tuple(self.timezone),
            seen_within_days=self.seen_within_days,
            tags=tuple(self.tags),
            tags_any=tuple(self.tags_any),
            tags_none=tuple(self.tags_none),
            topics=tuple(self.topics),
            profile_ids=tuple(self.profile_ids),
        )


def _filter_or_id(value: object, _union: object) -> SegmentIn | str:
    """Read a text as an id and anything else as a filter: a union would name its own branches in the path of what is wrong."""
    if not isinstance(value, str):
        return SegmentIn.model_validate(value)
    if not is_identifier(value):
        raise ValueError("must be the id of a saved segment, or filters")
    return value


_SegmentName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
SegmentOrId = Annotated[SegmentIn | Identifier, WrapValidator(_filter_or_id)]


class SegmentPath(In):
    """Which saved segment."""

    id: Identifier


class SavedSegmentIn(In):
    """A segment to keep: a name for people, and whom it means. A filter without members means everyone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Beta testers", "filter": {"tags": ["beta"], "app_version": ">=3.2,<4"}}]})

    name: _SegmentName
    filter: SegmentIn


class CountIn(In):
    """Whom to count: filters, or the id of a saved segment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"segment": {"platform": ["android"], "seen_within_days": 30}}]})

    segment: SegmentOrId


class SegmentQuery(PageQuery):
    """Filters of the list of saved segments."""

    # A name's bytes stand in it; a longer one of any characters might not fit into the first line of a request.
    cursor: Annotated[str, Field(max_length=640)] | None = None
    prefix: _SegmentName | None = Field(None, description="What their names begin with.")
