"""Makes the installed playground work, in its own process and without changing any of its files.

Two modules of the playground of cmx4mlops 1.0.1 do not compile. A third runs texts from its page as programs, and shows what
others wrote as HTML. We replace these three; the rest of the playground stays as installed.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from typing import Any

#: Modules of the installed playground, and ours in their place.
_REPLACEMENTS = {"graph": "results", "misc": "misc_replacement", "script": "script_replacement"}
_HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
#: The installed pages begin with a logo and thirteen large buttons, which push the results out of sight.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 1rem 2rem }
[data-testid="stMainBlockContainer"] center h2 { font-size: 1.1rem; padding: 0 0 0.4rem }
[data-testid="stMainBlockContainer"] center br { display: none }
[data-testid="stMainBlockContainer"] center button { font-size: 0.8rem; margin: 1px; padding: 1px 6px }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.4rem }
[data-testid="stSidebarHeader"] { height: 2rem; padding: 0 }
</style>"""


@functools.cache
def load(name: str, folder: str) -> Any:
    """A module of the playground in ``folder``, ready to run."""
    sys.path.insert(0, folder)
    for installed, ours in _REPLACEMENTS.items():
        sys.modules[installed] = importlib.import_module(f"{__package__}.{ours}")
    sys.dont_write_bytecode = True  # its folder is left as it is; the packages keep what was compiled of them as always
    module: Any = importlib.import_module(name)
    if name == "playground":
        module.st = WithoutImages(module.st)
    return module


class WithoutImages:
    """Streamlit for the installed pages: as it is, but for images from the web, which this playground does not fetch."""

    def __init__(self, streamlit: Any) -> None:
        self._streamlit = streamlit

    def __getattr__(self, name: str) -> Any:
        """Everything else of Streamlit; what writes Markdown or HTML does so without images."""
        found = getattr(self._streamlit, name)
        if name not in ("write", "markdown"):
            return found
        return lambda text, **options: found(without_images(text), **options)

    def set_page_config(self, **options: Any) -> None:
        """Sets up the page, with a smaller head."""
        self._streamlit.set_page_config(**options)
        self._streamlit.html(_STYLE)


def without_images(text: Any) -> Any:
    """Markdown with links in the place of images, and without those of HTML."""
    return _HTML_IMAGE.sub("", text).replace("![", "[") if isinstance(text, str) else text
