"""What ends a run before there is anything to judge."""

from __future__ import annotations


class LoadError(Exception):
    """The traffic could not be driven, or nobody could say what became of it."""
