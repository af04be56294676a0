"""What a home is: where clones are cached and experiments stored. A running automation in, one interface over it out.

Behind the interface is Collective Mind's home (``collective_mind``); nothing else imports ``cmind``, or asks which it is.
"""

from __future__ import annotations

import importlib
from typing import Any

from .home import Home

#: The package of a running automation, and the module and class of its home.
_HOMES = {"cmind": ("collective_mind", "CollectiveMindHome")}


def home_of(running: Any) -> Home:
    """The home that a running automation works in (``cmind.core.CM``); a home is given back as it is.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(running, Home):
        return running
    package = type(running).__module__.partition(".")[0]
    if package not in _HOMES:
        raise TypeError(f"{type(running)}: no automation with a home")
    module, name = _HOMES[package]
    home: Home = getattr(importlib.import_module(f".{module}", __package__), name)(running)
    return home
