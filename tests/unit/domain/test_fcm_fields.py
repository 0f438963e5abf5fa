"""The table of FCM's fields equals the discovery document."""

from __future__ import annotations

from fanfare.domain.fcm_fields import FIELDS
from tests.generate_fcm_fields import MODULE, fields_of, load_document, module_text


def test_table_is_what_the_discovery_document_says() -> None:
    assert fields_of(load_document()) == FIELDS


def test_module_is_what_the_generator_writes() -> None:
    assert module_text(load_document()) == MODULE.read_text()
