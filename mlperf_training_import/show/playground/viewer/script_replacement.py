"""Stands in for the playground's module ``script``: the form that puts together a command and runs it."""

from __future__ import annotations

from typing import Any


def page(i: dict[str, Any]) -> dict[str, Any]:
    """Says what to do without the form, in the place of the form."""
    tags = i.get("script_tags", "")
    i["st"].code(f'cmr "{tags}" --help', language=None)
    i["st"].markdown("This page runs no commands. The one above shows the flags of the script.")
    return {"return": 0, "end_html": ""}
