"""The edge to Collective Mind: environment in, import, return code and text out."""

import sys
from pathlib import Path

# Collective Mind loads this file by its path: the folder with our package is not on the search path then.
_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

_ENV = "CM_IMPORT_MLPERF_TRAINING_"


def preprocess(i):
    """Imports the cached rounds. Called by CM before it would run a native script, of which there is none.

    Args:
        i: CM's dictionary; read are ``env`` (``CM_IMPORT_MLPERF_TRAINING_*``) and ``automation``.

    Returns:
        ``{"return": 0}``, or ``return`` above 0 with ``error``: 16 where nothing was found, 1 for everything else.
    """
    try:
        from mlperf_training_import.errors import ImportFailure
        from mlperf_training_import.pipeline import import_rounds
        from mlperf_training_import.screen import Screen
    except ImportError as error:
        requirements = Path(_HERE) / "requirements.txt"
        return {"return": 1, "error": f"{error}; run: {sys.executable} -m pip install -r {requirements}"}
    screen = Screen()
    try:
        outcome = import_rounds(i["automation"].cmind, _options(i["env"]), screen.tell)
    except ImportFailure as error:
        return {"return": error.return_code, "error": str(error)}
    screen.show(outcome)
    return {"return": 0}


def _options(env):
    from mlperf_training_import.pipeline import Options

    return Options(target_repo=env.get(_ENV + "TARGET_REPO", ""))
