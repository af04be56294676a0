"""What a home is: where clones are cached and experiments stored. A running automation in, one interface over it out.

Behind the interface are Collective Mind's home (``cm``) and MLCFlow's (``mlc``). Nothing else imports
``cmind``, or asks which it is.
"""

from __future__ import annotations

import importlib
from typing import Any

from .home import Home

#: The package of a running automation, and the module and class of its home.
_HOMES = {"cmind": ("cm", "CmHome"), "mlc": ("mlc", "MlcHome")}


def home_of(running: Any) -> Home:
    """The home that a running automation works in (``cmind.core.CM``, ``mlc.action.Action``); a home is given back as it is.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(running, Home):
        return running
    package = type(running).__module__.partition(".")[0]
    if package not in _HOMES:
        raise TypeError(f"{type(running)}: no automation with a home")
    module, name = _HOMES[package]
    home: Home = getattr(importlib.import_module(f".{module}", __package__), name).of(running)
    return home
