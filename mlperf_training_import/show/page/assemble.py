"""Puts the page together: template, style, libraries and scripts become one HTML text.

The scripts are ES modules. A page that is opened from a file cannot load modules, so they are joined here, each in its own
scope. The policy of the page names by hash what may run; nothing else runs.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).resolve().parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) (\w+))", re.MULTILINE)
_FIRST = "main"


def make_page(version: str, payload: object = None, source: str = "", news: Sequence[tuple[str, str]] = ()) -> str:
    """The page as one text.

    Args:
        version: of this importer.
        payload: what the page shows, embedded in it; or
        source: the address of that, relative to the page.
        news: rounds with a page about what is new in them: the label, and the address relative to the page.
    """
    style, libraries = _read("templates/page.css"), _read("vendor/libraries.min.js")
    script = join_modules()
    policy = (
        f"default-src 'none'; script-src {hash_of(libraries)} {hash_of(script)}; style-src {hash_of(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": f"{policy}; connect-src 'self'" if source else policy,
        "style": style,
        "libraries": libraries,
        "script": script,
        "version": html.escape(version),
        "licences": html.escape(_read("vendor/LICENSES.txt")),
        "source": f' data-source="{source}"' if source else "",
        "news": _news(news),
        "data": "" if source else _embeddable(payload),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("templates/page.html"))


def _news(news: Sequence[tuple[str, str]]) -> str:
    links = (f'<a href="{html.escape(address)}">{html.escape(label)}</a>' for label, address in news)
    return f'<p class="note">What is new in {" and in ".join(links)}</p>' if news else ""


@functools.cache
def join_modules() -> str:
    """All scripts as one text, each module after those that it imports.

    Raises:
        ValueError: modules import each other in a circle.
    """
    joined: dict[str, str] = {}

    def join(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            raise ValueError(f"modules in a circle: {' -> '.join((*chain, name))}")
        if name in joined:
            return
        source = _read(f"scripts/{name}.js")
        for _, other in _IMPORT.findall(source):
            join(other, (*chain, name))
        names = _EXPORT.findall(source)
        body = _EXPORT.sub("", _IMPORT.sub(r"const {\1} = modules.\2;\n", source))
        joined[name] = f"modules.{name} = (() => {{\n{body}return {{{', '.join(names)}}};\n}})();\n"

    join(_FIRST, ())
    return '"use strict";\nconst modules = {};\n' + "".join(joined.values())


def _embeddable(value: object) -> str:
    """JSON that cannot close the element around it, whatever texts it contains."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def hash_of(source: str) -> str:
    """The hash with which the policy of a page allows this script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode('utf-8')).digest()).decode('ascii')}'"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
