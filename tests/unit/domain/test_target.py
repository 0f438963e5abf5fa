"""Targets: their shapes, and the grammar of conditions against a parser that is written out here."""

from __future__ import annotations

import re
import string
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.identifiers import encode_base64url, is_identifier
from fanfare.domain.message import TargetKind
from fanfare.domain.target import Target, anonymous_device_id, check_condition, check_device_target, check_registered_target, check_topic, topics_of

TARGET_ALPHABET = frozenset(string.ascii_letters + string.digits + "_:.%~+=/-")
TOPIC_ALPHABET = frozenset(string.ascii_letters + string.digits + "-_.~%")
_any_text = st.text(st.characters(exclude_categories=()), max_size=20)
_device_kinds = st.sampled_from([TargetKind.TOKEN, TargetKind.FID])


def accepted(check: Callable[[], Target], field: str) -> Target | None:
    """What a check accepts; None if it refuses, which it may only do by naming its field."""
    try:
        return check()
    except InvalidRequest as refused:
        named = [error.field for error in refused.errors]
    assert named == [field]
    return None


@given(_device_kinds, _any_text | st.text(st.sampled_from(sorted(TARGET_ALPHABET)), max_size=20))
def test_device_target_is_accepted_exactly_if_it_can_be_spliced_unescaped(kind: TargetKind, value: str) -> None:
    is_good = bool(value) and set(value) <= TARGET_ALPHABET
    assert accepted(lambda: check_device_target(kind, value, "token"), "token") == (Target(kind, value) if is_good else None)


@pytest.mark.parametrize(("length", "is_good"), [(0, False), (1, True), (4_096, True), (4_097, False)])
def test_device_target_has_1_to_4096_characters(length: int, is_good: bool) -> None:  # noqa: FBT001 - a table's column
    assert (accepted(lambda: check_device_target(TargetKind.TOKEN, "a" * length, "to.targets.3.token"), "to.targets.3.token") is not None) is is_good


_FIDS = st.binary(min_size=17, max_size=17).map(lambda raw: encode_base64url(bytes([0b0111_0000 | raw[0] % 16]) + raw[1:])[:22])


@given(_FIDS)
def test_fid_that_a_firebase_sdk_draws_is_accepted_under_either_name(fid: str) -> None:
    for kind in (TargetKind.FID, TargetKind.TOKEN):
        assert check_registered_target(kind, fid, "fid") == Target(kind, fid)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "c",
        "c" * 21,
        "c" * 23,
        "b" + "A" * 21,
        "g" + "A" * 21,
        "C" + "A" * 21,
        "c" + "A" * 20 + "=",
        "c" + "A" * 20 + ".",
        "c" * 22 + "\n",
        "é" * 22,
    ],
)
def test_fid_of_another_shape_is_refused(value: str) -> None:
    assert accepted(lambda: check_registered_target(TargetKind.FID, value, "fid"), "fid") is None


@pytest.mark.parametrize("value", ["fMEP0vJqS0:APA91bHqX", "g" * 64, "0f" * 31, "0f" * 33, "a", "a" * 4_096, "a:/b"])
def test_token_has_no_known_shape(value: str) -> None:
    assert check_registered_target(TargetKind.TOKEN, value, "token") == Target(TargetKind.TOKEN, value)


@pytest.mark.parametrize("value", ["0f" * 32, "0F" * 32, "https://fcm.googleapis.com/fcm/send/abc", "ftp://x", "a b", "", "a" * 4_097])
def test_what_is_mistaken_for_a_token_is_refused(value: str) -> None:
    assert accepted(lambda: check_registered_target(TargetKind.TOKEN, value, "token"), "token") is None


@given(_device_kinds, _any_text)
def test_no_target_is_registered_that_could_not_be_sent_to(kind: TargetKind, value: str) -> None:
    if accepted(lambda: check_registered_target(kind, value, "token"), "token") is not None:
        assert check_device_target(kind, value, "token") == Target(kind, value)


@given(_any_text | st.text(st.sampled_from(sorted(TOPIC_ALPHABET)), max_size=20))
def test_topic_is_accepted_exactly_if_fcm_takes_its_characters(name: str) -> None:
    is_good = bool(name) and set(name) <= TOPIC_ALPHABET
    assert accepted(lambda: check_topic(name), "to.topic") == (Target(TargetKind.TOPIC, name) if is_good else None)


@pytest.mark.parametrize(("name", "is_good"), [("a" * 900, True), ("a" * 901, False), ("/topics/news", False), ("news\n", False), ("", False)])
def test_topic_has_at_most_900_characters_and_no_legacy_prefix(name: str, is_good: bool) -> None:  # noqa: FBT001 - a table's column
    assert (accepted(lambda: check_topic(name, "topic"), "topic") is not None) is is_good


class Parser:
    """Recursive descent over tokens: either := both ("||" both)*, both := term ("&&" term)*, term := "!" term | "(" either ")" | topic."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, "end"]
        self._at = 0

    def is_whole(self) -> bool:
        return self._either() and self._tokens[self._at] == "end"

    def _either(self) -> bool:
        return self._chain(self._both, "||")

    def _both(self) -> bool:
        return self._chain(self._term, "&&")

    def _chain(self, operand: Callable[[], bool], separator: str) -> bool:
        while operand():
            if not self._take(separator):
                return True
        return False

    def _term(self) -> bool:
        if self._take("!"):
            return self._term()
        if self._take("("):
            return self._either() and self._take(")")
        return self._tokens[self._at].startswith("'") and self._take(self._tokens[self._at])

    def _take(self, token: str) -> bool:
        found = self._tokens[self._at] == token
        self._at += found
        return found


def a_topic(name: str) -> str:
    return f"'{name}' in topics"


_topics = st.sampled_from("abc").map(a_topic)
_tokens = st.lists(_topics | st.sampled_from(["&&", "||", "!", "(", ")", "x"]), max_size=9)
_spaces = st.sampled_from(["", " ", "  ", "\t"])


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, st.sampled_from([" && ", "||", " || "]), inner).map("".join)
    return pairs | inner.map("!{}".format) | inner.map("( {})".format)


_expressions = st.recursive(_topics, _combined, max_leaves=5)


@given(_tokens, st.data())
def test_condition_is_accepted_exactly_if_the_grammar_has_it(tokens: list[str], data: st.DataObject) -> None:
    text = "".join(token + data.draw(_spaces) for token in tokens)
    is_good = Parser(tokens).is_whole() and sum(token.startswith("'") for token in tokens) <= 5
    assert accepted(lambda: check_condition(text), "to.condition") == (Target(TargetKind.CONDITION, text) if is_good else None)


@given(_expressions)
def test_well_formed_condition_is_accepted_as_it_was_written(text: str) -> None:
    assert check_condition(text) == Target(TargetKind.CONDITION, text)


@given(_expressions, st.data())
def test_condition_without_one_of_its_signs_is_judged_as_the_grammar_does(text: str, data: st.DataObject) -> None:
    tokens = re.findall(r"'\w' in topics|&&|\|\||[!()]", text)
    tokens.pop(data.draw(st.integers(0, len(tokens) - 1)))
    assert (accepted(lambda: check_condition(" ".join(tokens)), "to.condition") is not None) == Parser(tokens).is_whole()


@example("'a' in topics && \ud800")
@given(_any_text)
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    accepted(lambda: check_condition(text, "condition"), "condition")


WRONG_CONDITIONS = [
    "",
    "'a' in topics &&",
    "'a' in topics & 'b' in topics",
    "'a' in topics 'b' in topics",
    "('a' in topics",
    "'a' in topics)",
    "()",
    "!",
    "'a' in topic",
    "'a'in topics",
    "'a b' in topics",
    '"a" in topics',
    "'' in topics",
    "'a' in topics && b",
    f"'{'a' * 901}' in topics",
]


@pytest.mark.parametrize("condition", WRONG_CONDITIONS)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(InvalidRequest):
        check_condition(condition)


def test_condition_names_at_most_five_topics() -> None:
    five = " || ".join(map(a_topic, "abcde"))
    assert check_condition(five).value == five
    with pytest.raises(InvalidRequest, match="1 to 5 topics"):
        check_condition(f"{five} || {a_topic('a')}")


@given(_device_kinds, st.text(min_size=1, max_size=40))
def test_target_hides_its_value(kind: TargetKind, value: str) -> None:
    assert repr(Target(kind, value)) == f"Target({kind}, …)"


@given(_device_kinds, _device_kinds, st.text(max_size=9), st.text(max_size=9))
def test_anonymous_id_is_the_targets_own(kind: TargetKind, other_kind: TargetKind, value: str, other: str) -> None:
    left, right = Target(kind, value), Target(other_kind, other)
    assert (anonymous_device_id(left) == anonymous_device_id(right)) == (left == right)
    assert is_identifier(anonymous_device_id(left))


@pytest.mark.parametrize(
    ("target", "topics"),
    [
        (Target(TargetKind.TOPIC, "news"), ("news",)),
        (Target(TargetKind.CONDITION, "'a' in topics && ('b' in topics || !('a' in topics))"), ("a", "b")),
        (Target(TargetKind.TOKEN, "'a' in topics"), ()),
    ],
)
def test_topics_that_a_target_names_are_found(target: Target, topics: tuple[str, ...]) -> None:
    assert topics_of(target) == topics
