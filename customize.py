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
        from mlperf_training_import.options import options_from
        from mlperf_training_import.pipeline import import_rounds
        from mlperf_training_import.screen import Screen
    except ImportError as error:
        requirements = Path(_HERE) / "requirements.txt"
        return {"return": 1, "error": f"{error}; run: {sys.executable} -m pip install -r {requirements}"}
    flags = {key[len(_ENV) :].lower(): value for key, value in i["env"].items() if key.startswith(_ENV)}
    try:
        options = options_from(flags)
        screen = Screen(quiet=options.quiet)
        outcome = import_rounds(i["automation"].cmind, options, screen.tell, screen.progress)
    except ImportFailure as error:
        return {"return": error.return_code, "error": str(error)}
    screen.show(outcome)
    _hand_over(outcome, i["env"], i["state"])
    if outcome.failures:
        texts = "\n".join(f"  {finding.where}: {finding.what}" for finding in outcome.failures)
        return {"return": 1, "error": f"not everything could be stored, the rest was:\n{texts}"}
    if options.strict and outcome.findings:
        return {"return": 1, "error": f"{len(outcome.findings)} findings, and --strict was given; see the report"}
    return {"return": 0}


def _hand_over(outcome, env, state):
    """Tells a calling workflow what was imported, under the keys that ``_cm.yaml`` lists."""
    from mlperf_training_import.report import state_of

    env[_ENV + "RESULTS"] = str(sum(len(round_outcome.results) for round_outcome in outcome.rounds))
    env[_ENV + "EXPERIMENTS"] = str(len(outcome.experiments))
    env[_ENV + "FINDINGS"] = str(len(outcome.findings))
    env[_ENV + "REPORT"] = str(outcome.report.resolve()) if outcome.report else ""
    state["mlperf_training_import"] = state_of(outcome)
