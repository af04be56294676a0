"""A home is where clones are cached and experiments stored. A running automation in, one interface over its home out.

Behind the interface are Collective Mind's home (``cm``) and MLCFlow's (``mlc``). Nothing else imports ``cmind``, or asks
which it is.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .home import Home

#: The package of a running automation, and the module and class of its home.
_HOMES = {"cmind": ("cm", "CmHome"), "mlc": ("mlc", "MlcHome")}


def home_of(running: Any) -> Home:
    """The home that a running automation works in (``cmind.core.CM``, ``mlc.action.Action``).

    Raises:
        TypeError: it is neither.
    """
    package = type(running).__module__.partition(".")[0]
    if package not in _HOMES:
        raise TypeError(f"{type(running)}: no automation with a home")
    module, name = _HOMES[package]
    kind: type[Home] = getattr(importlib.import_module(f".{module}", __package__), name)
    return kind(Path(running.repos_path).absolute(), running)
