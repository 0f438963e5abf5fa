from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.template_engine import MinijinjaRenderer
from fanfare.domain.template_text import LONGEST_TEXT, MOST_TAGS, BadTemplateText, Syntax

RENDERER = MinijinjaRenderer()


def _render(text: str, syntax: Syntax = Syntax.DOUBLE, **variables: Any) -> str:
    return RENDERER.render(text, syntax, variables)


@pytest.mark.parametrize(
    ("text", "variables", "rendered"),
    [
        ("Hello {{name}}, your order #{{order_id}} is {{status}}", {"name": "John", "order_id": "1234", "status": "ready"},
         "Hello John, your order #1234 is ready"),
        ("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }}", {"a": 5, "b": True, "c": False, "d": 1.5, "e": 2**70}, f"5 true false 1.5 {2**70}"),
        ("{{ a|upper }} {{ a|title }} {{ b|trim }}.", {"a": "öl und wein", "b": " x "}, "ÖL UND WEIN Öl Und Wein x."),
        ("<b>{{ a }}</b>\n", {"a": "<i>&\"'"}, "<b><i>&\"'</b>\n"),
        ("{% if n > 1 %}{{ n }} letters{% elif n == 1 %}one letter{% else %}nothing{% endif %}", {"n": 1}, "one letter"),
        ("{% if not a %}b{% endif %}{% if c == 'd' %}e{% endif %}", {"a": False, "c": "d"}, "be"),
        ("{{ range }} {{ debug }}", {"range": "a", "debug": "b"}, "a b"),
        ("no variables", {}, "no variables"),
    ],
)  # fmt: skip
def test_text_is_filled_in(text: str, variables: dict[str, Any], rendered: str) -> None:
    assert _render(text, **variables) == rendered


def test_single_syntax_is_filled_in() -> None:
    assert _render("New message from {caller}: {body}", Syntax.SINGLE, caller="{body}", body="x") == "New message from {body}: x"


@pytest.mark.parametrize("value", ["{{ b }}", "{% if b %}x{% endif %}", "{{", "{b}", "{# b #}", "{{ '{{' }}"])
@pytest.mark.parametrize(("text", "syntax"), [("{{ a }}", Syntax.DOUBLE), ("{a}", Syntax.SINGLE)])
def test_value_is_never_expanded(value: str, text: str, syntax: Syntax) -> None:
    assert _render(text, syntax, a=value, b="expanded") == value


@pytest.mark.parametrize("text", ["{{ range }}", "{{ debug }}", "{{ namespace }}", "{{ dict }}", "{{ a }}"])
def test_name_without_a_value_is_an_error_and_the_engine_knows_none(text: str) -> None:
    with pytest.raises(BadTemplateText, match="no value"):
        _render(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% if a %}",
        "{% else %}",
        "{% endif %}",
        "{% if a %}{% else %}{% else %}{% endif %}",
        "{% if a %}{% else %}{% elif a %}{% endif %}",
    ],
)
def test_condition_that_is_not_whole_is_an_error(text: str) -> None:
    with pytest.raises(BadTemplateText, match="no whole template"):
        _render(text, a="x")


BOMBS = {
    "huge loop": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "recursive macro": "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "repeated text": "{{ 'a' * 1000000000 }}",
    "doubled variable": "{% set x = a %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "concatenation": "{{ a" + " ~ a" * 1_000 + " }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "padding": "{{ a|center(1000000000) }}",
    "nested brackets": "{{ " + "(" * 2_000 + "a" + ")" * 2_000 + " }}",
    "nested minus": "{{ " + "-" * 4_000 + "1 }}",
    "nested not": "{{ " + "not " * 1_000 + "a }}",
    "nested conditions": "{% if a %}" * 200 + "{% endif %}" * 200,
    "many filters": "{{ a" + "|upper" * 500 + " }}",
    "inclusion of itself": "{% include '<string>' %}",
    "what the engine knows": "{{ debug() }}",
    "too long": "x" * (LONGEST_TEXT + 1),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_is_stopped_within_milliseconds(text: str) -> None:
    started = time.process_time()
    with pytest.raises(BadTemplateText):
        _render(text, a="x" * 4_000)
    assert time.process_time() - started < 0.05


def test_text_of_many_long_values_is_stopped_before_it_is_big() -> None:
    started = time.process_time()
    with pytest.raises(BadTemplateText, match=f"grows beyond {LONGEST_TEXT}"):
        _render("{{ a }}" * MOST_TAGS, a="x" * 4_000)
    assert time.process_time() - started < 0.05


def test_longest_text_that_is_allowed_is_filled_in() -> None:
    tags = "{{ a|upper }}{% if a %}{% endif %}" * (MOST_TAGS // 3)
    assert len(_render(tags, a="x" * (LONGEST_TEXT // (MOST_TAGS // 3)))) > LONGEST_TEXT - MOST_TAGS
    with pytest.raises(BadTemplateText, match="grows beyond"):
        _render("x{{ a }}", a="x" * LONGEST_TEXT)


def test_threads_share_one_engine() -> None:
    def fill(thread: int) -> list[str]:
        return [_render("{{ a }}{% if b %}-{{ b }}{% endif %}", a=thread, b=number) for number in range(100)]

    with ThreadPoolExecutor(8) as pool:
        filled = list(pool.map(fill, range(8)))
    assert filled == [[f"{thread}-{number}" if number else f"{thread}" for number in range(100)] for thread in range(8)]


def test_half_of_a_surrogate_pair_is_an_error() -> None:
    with pytest.raises(BadTemplateText, match="surrogate"):
        _render("\ud800{{ a }}", a="x")


@given(
    st.text("{}%#ab |'<>=!-1", max_size=40) | st.text(max_size=40),
    st.sampled_from(Syntax),
    st.dictionaries(st.sampled_from(["a", "b", "ab", "other"]), st.text(max_size=3_000) | st.integers() | st.booleans() | st.floats(allow_nan=False)),
)
def test_rendering_is_total_and_bounded(text: str, syntax: Syntax, variables: dict[str, Any]) -> None:
    try:
        rendered = RENDERER.render(text, syntax, variables)
    except BadTemplateText:
        return
    assert len(rendered) <= LONGEST_TEXT
