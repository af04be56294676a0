"""A home is where clones are cached and experiments stored. A running automation in, one interface over its home out.

Behind the interface are Collective Mind's home (``cm``) and MLCFlow's (``mlc``). Nothing else imports ``cmind``, or asks
which it is.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput

if TYPE_CHECKING:
    from .home import Home

#: What CM or a shell would not take as it is.
_NOT_IN_PATHS = frozenset(",'\"$`\\;&|<>()*?#")
#: The package of a running automation, and the module and class of its home.
_HOMES = {"cmind": ("cm", "CmHome"), "mlc": ("mlc", "MlcHome")}


def home_of(running: Any) -> Home:
    """The home that a running automation works in (``cmind.core.CM``, ``mlc.action.Action``).

    Raises:
        TypeError: it is neither.
        BadInput: Collective Mind cannot work where the home is.
    """
    package = type(running).__module__.partition(".")[0]
    if package not in _HOMES:
        raise TypeError(f"{type(running)}: no automation with a home")
    module, name = _HOMES[package]
    kind: type[Home] = getattr(importlib.import_module(f".{module}", __package__), name)
    place = Path(running.repos_path)
    if package == "cmind":
        if not place.is_absolute():  # CM looks for it from every folder that it enters
            raise BadInput(f"CM_REPOS={place}: CM needs a whole path; set CM_REPOS={place.absolute()}")
        check_place(place)
    return kind(place.absolute(), running)


def check_place(home: Path) -> Path:
    """The whole path of a place in which Collective Mind can work.

    Raises:
        BadInput: its path has characters that a shell or CM would not take as they are.
    """
    home = home.resolve()
    if any(c.isspace() or c in _NOT_IN_PATHS for c in str(home)):
        raise BadInput(
            f"{home}: CM cannot work below a path with spaces, commas, quotes or shell characters ($ ` \\ ; & |); "
            "choose another folder with --home or CM_REPOS"
        )
    return home
