"""The interface of the playground to Collective Mind: environment in, a running playground, return code and text out."""

import sys
from pathlib import Path

# Collective Mind loads this file by its path: the folder with our package need not be on the search path then.
_ROOT = str(Path(__file__).resolve().parents[3])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from mlperf_training_import.edge import at_the_edge

_PAGES = ("playground", "graph")
#: Flags about what to open on, and the parameters of the page's address that they are.
_PARAMETERS = {
    "exp_tags": "tags",
    "exp_name": "name",
    "exp_uid": "result_uid",
    "exp_title": "title",
    "exp_key_x": "x",
    "exp_key_y": "y",
    "exp_key_c": "c",
    "exp_key_s": "s",
}


def preprocess(i):
    """Opens the playground until it is stopped. CM calls it at the point where a native script would run; there is none.

    Args:
        i: CM's dictionary; read are ``env`` (``CM_GUI_*``), ``input``, ``meta`` and ``automation``.

    Returns:
        ``{"return": 0}`` after Ctrl-C, or ``return`` above 0 with ``error``.
    """
    return at_the_edge(_open, i)


def _open(i):
    from mlperf_training_import.errors import BadInput
    from mlperf_training_import.flags import check_typed
    from mlperf_training_import.homes import home_of
    from mlperf_training_import.show.playground.playground import open_playground

    home, mapping = home_of(i["automation"].cmind), i["meta"]["input_mapping"]
    env = {name: str(value) for name, value in i["env"].items()}
    page = env.get("CM_GUI_APP", "")
    if page not in _PAGES:
        asked = f"_{page}" if page else "no variation"
        tags = env.get("CM_GUI_SCRIPT_TAGS") or "<tags>"
        raise BadInput(
            f"{asked}: the form for scripts and the chat of cmx4mlops cannot start; what works:\n"
            f'  cmr "gui _playground"   the playground over this CM home\n'
            f'  cmr "gui _graph"   its page of results alone\n'
            f'  cmr "{tags}" --help   the flags of a script\n'
            "choose one of these"
        )
    if not i["input"].get("recursion"):  # a dependency of another script has keys of CM's own
        check_typed(home.typed(i["input"]), mapping)
    if (address := env.get("CM_GUI_ADDRESS", "")) not in ("", "127.0.0.1", "localhost"):
        raise BadInput(
            f"--address={address}: refused, as whoever reaches the page can read all results in this CM home; "
            "it listens on 127.0.0.1 only"
        )
    port = env.get("CM_GUI_PORT", "")
    if port and not port.isdecimal():
        raise BadInput(f"--port={port}: expected a number")
    open_playground(
        home,
        lambda message: print(message, flush=True),
        port=int(port) if port else None,
        browser=env.get("CM_GUI_NO_BROWSER", "").lower() in ("", "no", "false", "0"),
        page=page,
        parameters={_PARAMETERS[flag]: env[name] for flag, name in mapping.items() if flag in _PARAMETERS and env.get(name)},
    )
    return {"return": 0}
