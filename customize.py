"""The edge to Collective Mind: environment in, import, return code and text out."""

import contextlib
import signal
import sys
import threading
from pathlib import Path

# Collective Mind loads this file by its path: the folder with our package is not on the search path then.
_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

_ENV = "CM_IMPORT_MLPERF_TRAINING_"


def preprocess(i):
    """Imports the cached rounds. Called by CM before it would run a native script, of which there is none.

    Ctrl-C and SIGTERM end it as an error does: no worker process and no half-written file is left.

    Args:
        i: CM's dictionary; read are ``env`` (``CM_IMPORT_MLPERF_TRAINING_*``) and ``automation``.

    Returns:
        ``{"return": 0}``, or ``return`` above 0 with ``error``: 16 where nothing was found, 130 after Ctrl-C, 143 after
        SIGTERM, 1 for everything else.
    """
    try:
        with _stopped_by_sigterm():
            return _import(i)
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else signal.SIGINT
        return {"return": 128 + number, "error": "interrupted; what was stored is whole, import again to complete it"}
    except OSError as error:
        return {"return": 1, "error": f"{error.filename or 'this machine'}: {error.strerror or error}"}


@contextlib.contextmanager
def _stopped_by_sigterm():
    """Lets SIGTERM end the block as Ctrl-C does; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, _frame):
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _import(i):
    try:
        from mlperf_training_import.errors import ImportFailure
        from mlperf_training_import.options import options_from
        from mlperf_training_import.pipeline import import_rounds
        from mlperf_training_import.show.screen import Screen
        from mlperf_training_import.values import printable
    except ImportError as error:
        requirements = Path(_HERE) / "requirements.txt"
        return {"return": 1, "error": f"{error}; run: {sys.executable} -m pip install -r {requirements}"}
    flags = {key[len(_ENV) :].lower(): value for key, value in i["env"].items() if key.startswith(_ENV)}
    try:
        options = options_from(flags)
        screen = Screen(quiet=options.quiet)
        outcome = import_rounds(i["automation"].cmind, options, screen.tell, screen.progress)
    except ImportFailure as error:
        return {"return": error.return_code, "error": printable(str(error))}
    screen.show(outcome)
    _hand_over(outcome, i["env"], i["state"])
    if outcome.failures:
        texts = "\n".join(f"  {printable(finding.where)}: {printable(finding.what)}" for finding in outcome.failures)
        return {"return": 1, "error": f"not everything could be stored, the rest was:\n{texts}"}
    if options.strict and outcome.findings:
        return {"return": 1, "error": f"{len(outcome.findings)} findings, and --strict was given; see the report"}
    return {"return": 0}


def _hand_over(outcome, env, state):
    """Tells a calling workflow what was imported, under the keys that ``_cm.yaml`` lists."""
    from mlperf_training_import.show.report import state_of

    env[_ENV + "RESULTS"] = str(sum(len(round_outcome.results) for round_outcome in outcome.rounds))
    env[_ENV + "EXPERIMENTS"] = str(len(outcome.experiments))
    env[_ENV + "FINDINGS"] = str(len(outcome.findings))
    env[_ENV + "REPORT"] = str(outcome.report.resolve()) if outcome.report else ""
    state["mlperf_training_import"] = state_of(outcome)
