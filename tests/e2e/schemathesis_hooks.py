"""What schemathesis must leave out: paths with a line feed, which functions-framework answers itself and never hands to our app."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def filter_path_parameters(_context: schemathesis.HookContext, path_parameters: dict[str, Any] | None) -> bool:
    """Keep path parameters without a line feed."""
    return not any("\n" in str(value) for value in (path_parameters or {}).values())
