from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.template_text import LONGEST_TEXT, MOST_TAGS, BadTemplateText, Syntax, is_variable_name, parse_text

DOUBLE, SINGLE = Syntax.DOUBLE, Syntax.SINGLE


@pytest.mark.parametrize(
    ("text", "syntax", "names"),
    [
        ("", DOUBLE, set()),
        ("no variables, { one brace } and }} and %}", DOUBLE, set()),
        ("Hello {{name}}, your order #{{ order_id }} is {{  status  }}", DOUBLE, {"name", "order_id", "status"}),
        ("{{name}}{{name}}}", DOUBLE, {"name"}),
        ("{{ name | upper }} {{name|trim}}", DOUBLE, {"name"}),
        ("{% if a %}x{% elif not b %}y{% elif c == 'd' %}z{% elif e >= -1.5 %}{% else %}{% endif %}", DOUBLE, {"a", "b", "c", "e"}),
        ("{single} is a text of its own", DOUBLE, set()),
        ("New message from {caller}: {body}{body}", SINGLE, {"caller", "body"}),
        ("100% {a}%", SINGLE, {"a"}),
    ],
)
def test_variables_of_a_text_are_found(text: str, syntax: Syntax, names: set[str]) -> None:
    assert parse_text(text, syntax).names == names


def test_single_syntax_is_rewritten_to_the_double_one() -> None:
    assert parse_text("{a}{b} c", SINGLE).source == "{{a}}{{b}} c"
    assert parse_text("{{ a }} c", DOUBLE).source == "{{ a }} c"


@pytest.mark.parametrize(
    "text",
    [
        "{{ a", "{{}}", "{{ 1 }}", "{{ a b }}", "{{ a.b }}", "{{ a[0] }}", "{{ a() }}", "{{ a ~ a }}", "{{ a * 9 }}", "{{ 'a' }}", "{{{a}}}",
        "{{ a|join }}", "{{ a|upper|lower }}", "{{- a -}}", "{# a #}", "{%", "{% for a in b %}{% endfor %}", "{% set a = b %}", "{% include 'a' %}",
        "{% macro a() %}{% endmacro %}", "{% import 'a' as b %}", "{% if a and b %}", "{% if a == b %}", '{% if a == "\\"" %}', "{% if a == '{{' %}",
        "{% raw %}{{ a }}{% endraw %}", "{{ ---1 }}", "{% if not not a %}", "{{ a\n}}", "{{ \u0430\u0431 }}", "{{ " + "a" * 65 + " }}",
    ],
)  # fmt: skip
def test_anything_but_a_variable_or_a_condition_is_refused(text: str) -> None:
    with pytest.raises(BadTemplateText, match="at character 1 "):
        parse_text(text, DOUBLE)


@pytest.mark.parametrize("text", ["{", "}", "{}", "{ a }", "{{a}}", "{a", "{a.b}", '{"json": 1}', "{% if a %}", "{a}}"])
def test_brace_that_stands_around_no_name_is_refused_in_the_single_syntax(text: str) -> None:
    with pytest.raises(BadTemplateText, match="brace"):
        parse_text(text, SINGLE)


def test_place_of_the_mistake_is_told() -> None:
    with pytest.raises(BadTemplateText, match="at character 13 "):
        parse_text("{{ a }} and {{ b. }}", DOUBLE)


@pytest.mark.parametrize("name", ["self", "loop", "true", "not", "None"])
@pytest.mark.parametrize("syntax", Syntax)
def test_words_of_the_language_name_no_variable(name: str, syntax: Syntax) -> None:
    assert not is_variable_name(name)
    with pytest.raises(BadTemplateText, match=name):
        parse_text(f"{{{{{name}}}}}" if syntax is DOUBLE else f"{{{name}}}", syntax)


@pytest.mark.parametrize(
    ("name", "usable"), [("a", True), ("_a1", True), ("a" * 64, True), ("a" * 65, False), ("1a", False), ("", False), ("ä", False)]
)
def test_name_of_a_variable(name: str, *, usable: bool) -> None:
    assert is_variable_name(name) is usable


def test_length_and_number_of_tags_are_bounded() -> None:
    assert parse_text("x" * LONGEST_TEXT, DOUBLE).source
    assert parse_text("{{a}}" * MOST_TAGS, DOUBLE).names == {"a"}
    with pytest.raises(BadTemplateText, match="characters"):
        parse_text("x" * (LONGEST_TEXT + 1), DOUBLE)
    with pytest.raises(BadTemplateText, match=f"more than {MOST_TAGS}"):
        parse_text("{{a}}" * (MOST_TAGS + 1), DOUBLE)


@given(st.text("{}%#ab |'\"!=<>-1\n", max_size=60) | st.text(max_size=60), st.sampled_from(Syntax))
def test_any_text_is_vetted_or_refused(text: str, syntax: Syntax) -> None:
    try:
        parsed = parse_text(text, syntax)
    except BadTemplateText:
        return
    assert all(is_variable_name(name) for name in parsed.names)


@pytest.mark.parametrize("text", ["{{" * 2_048, "{{ a" + " " * 4_000, "{% if a" + " " * 4_000, "{{ a | " + "u" * 4_000, "{% if a == '" + "x" * 4_000])
def test_hostile_text_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(BadTemplateText):
        parse_text(text, DOUBLE)
    assert time.process_time() - started < 0.05
