"""Topic conditions such as `'news' in topics && !('sport' in topics || 'music' in topics)`."""

from __future__ import annotations

import re

TOPIC = re.compile(r"[a-zA-Z0-9\-_.~%]{1,900}", re.ASCII)
MOST_TOPICS = 5
TOKEN = re.compile(r"\s*(?:(?P<topic>'[^']*'\s+in\s+topics)|(?P<operator>&&|\|\|)|(?P<not>!)|(?P<open>\()|(?P<close>\)))")


def condition_topics(condition: str) -> list[str] | None:
    """Return the topics that a condition names, or None when it is malformed.

    An operand is wanted first and after `&&`, `||`, `!` and `(`; an operator or `)` after an operand. No recursion, so that
    no depth of parentheses can exhaust the stack.
    """
    topics: list[str] = []
    depth, wants_operand, position = 0, True, 0
    text = condition.rstrip()
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None or (token.lastgroup in {"topic", "not", "open"}) is not wants_operand:
            return None
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth < 0:
            return None
        if token.lastgroup == "topic":
            topics.append(token["topic"].split("'")[1])
        wants_operand = token.lastgroup not in {"topic", "close"}
        position = token.end()
    return None if wants_operand or depth else topics


def condition_problem(condition: str) -> str | None:
    """Return what is wrong with a condition in words, or None."""
    topics = condition_topics(condition)
    if topics is None or not all(TOPIC.fullmatch(topic) for topic in topics):
        return "Invalid condition expression provided."
    if len(topics) > MOST_TOPICS:
        return f"The condition names {len(topics)} topics; at most {MOST_TOPICS} are allowed."
    return None
