"""What the local stack tells a person when it cannot go on."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or stay up; the message is one sentence for the person at the terminal."""
