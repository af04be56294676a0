"""The edge to Collective Mind and MLCFlow, which call scripts alike: environment in, import, return code and text out."""

import sys
from pathlib import Path

# They load this file by its path, MLCFlow by a link to it: the folder with our package is not on the search path then.
_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

# Our package is imported in the functions: what is imported here, MLCFlow takes for packages to install.
_ENV = "CM_IMPORT_MLPERF_TRAINING_"
#: Findings that say why a round gave nothing; the report has all.
_SHOWN_REASONS = 3


def predeps(i):
    """Refuses what cannot be understood, and prepares the cache. Called before what variations ask for is fetched.

    A fetch that was cut off is removed, so that it is done again; with ``--update`` clones are replaced by fresh ones.

    Args:
        i: the dictionary of the automation; read are ``input``, ``env``, ``meta``, ``variation_tags`` and the running script
            automation.

    Returns:
        As :func:`preprocess`.
    """
    from mlperf_training_import.edge import at_the_edge

    return at_the_edge(_prepare, i)


def preprocess(i):
    """Imports the cached rounds. Called before a native script would be run, of which there is none.

    Ctrl-C and SIGTERM end it as an error does: no worker process and no half-written file is left.

    Args:
        i: the dictionary of the automation; read are ``env`` (``CM_IMPORT_MLPERF_TRAINING_*``) and the running script
            automation.

    Returns:
        ``{"return": 0}``, or ``return`` above 0 with ``error``: 16 where nothing was found, 130 after Ctrl-C, 143 after
        SIGTERM, 1 for everything else.
    """
    from mlperf_training_import.edge import at_the_edge

    return at_the_edge(_import, i)


def _prepare(i):
    from mlperf_training_import.flags import check_typed
    from mlperf_training_import.show.screen import Screen
    from mlperf_training_import.start.fetch import Fetcher, need_git

    home = _home(i)
    if not i["input"].get("recursion"):  # a dependency of another script has keys of the automation's own
        check_typed(home.typed(i["input"]), i["meta"]["input_mapping"])
    options = _options(i)
    fetcher = Fetcher(home, Screen(quiet=options.quiet).tell)
    if i["variation_tags"]:
        need_git()  # for what the automation fetches, which would fail without saying why
        fetcher.remove_unfinished(options.versions)
    if options.update:
        fetcher.update(options.versions)
    if i["variation_tags"] or options.update:
        home.reload_index()  # which others have written meanwhile
    return {"return": 0}


def _home(i):
    """The home that is worked in. Our own command line says how the user called it, and named the home."""
    from mlperf_training_import.homes import home_of

    automation, env = i["run_script_input"]["self"], i["env"]  # i["automation"] is a copy in predeps of Collective Mind
    running = getattr(automation, "cmind", None) or automation.action_object
    home = home_of(running)
    home.name_as(env.get(_ENV + "HOME", ""), env.get(_ENV + "COMMAND"))
    return home


def _options(i):
    from mlperf_training_import.options import options_from

    return options_from({key[len(_ENV) :].lower(): value for key, value in i["env"].items() if key.startswith(_ENV)})


def _import(i):
    from mlperf_training_import.edge import failed
    from mlperf_training_import.pipeline import import_rounds
    from mlperf_training_import.show.screen import Screen
    from mlperf_training_import.values import printable

    options = _options(i)
    if options.check:
        return _check(options)
    screen = Screen(quiet=options.quiet)
    outcome = import_rounds(_home(i), options, screen.tell, screen.progress)
    screen.show(outcome)
    _hand_over(outcome, i["env"], i["state"])
    if outcome.failures:
        texts = "\n".join(f"  {printable(finding.where)}: {printable(finding.what)}" for finding in outcome.failures)
        return failed(1, f"not everything could be stored, the rest was:\n{texts}")
    if outcome.nothing and outcome.rounds:
        return failed(16, printable(outcome.nothing))
    if empty := outcome.rounds_without_results(options.versions):
        found = [finding for finding in outcome.findings if finding.round in empty][:_SHOWN_REASONS]
        reasons = "".join(f"\n  {finding.code}: {printable(f'{finding.where}: {finding.what}')}" for finding in found)
        return failed(16, f"no result of round {', '.join(empty)}{':' if found else ''}{reasons}")
    if options.strict and outcome.findings:
        return failed(1, f"{len(outcome.findings)} findings, and --strict was given; see the report")
    return {"return": 0}


def _check(options):
    """Checks the tree of ``--path`` as a submission; an error where something rejects it."""
    from mlperf_training_import.checks.check import check, last_line
    from mlperf_training_import.edge import failed
    from mlperf_training_import.show.checked import to_text

    checked = check(options.path, options.versions[0], options.max_log_mb)
    if not options.quiet:
        print(to_text(checked))
    return failed(1, last_line(checked)) if checked.fails(strict=options.strict) else {"return": 0}


def _hand_over(outcome, env, state):
    """Tells a calling workflow what was imported, under the keys that ``_cm.yaml`` lists."""
    from mlperf_training_import.show.report import state_of

    env[_ENV + "RESULTS"] = str(sum(len(round_outcome.results) for round_outcome in outcome.rounds))
    env[_ENV + "EXPERIMENTS"] = str(len(outcome.experiments))
    env[_ENV + "FINDINGS"] = str(len(outcome.findings))
    env[_ENV + "REPORT"] = str(outcome.report.resolve()) if outcome.report else ""
    state["mlperf_training_import"] = state_of(outcome)
