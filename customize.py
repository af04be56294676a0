"""The interface to Collective Mind and MLCFlow, which call scripts alike: environment in, import, code and text out."""

import sys
from pathlib import Path

# CM loads this file by its path, and MLCFlow by a link to it, so the folder with our package is not on the search path.
_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

# The functions import our package, because MLCFlow would try to install whatever is imported here.
_ENV = "CM_IMPORT_MLPERF_TRAINING_"
#: Number of findings to show if a round has no result; the report has all.
_SHOWN_REASONS = 3


def predeps(i):
    """Refuses what cannot be understood, and prepares the cache. Called before CM fetches the rounds of the variations.

    Removes unfinished fetches, so that they are repeated; with ``--update``, replaces clones by fresh ones.

    Args:
        i: the dictionary of the automation; read are ``input``, ``env``, ``meta``, ``variation_tags`` and the running script
            automation.

    Returns:
        As :func:`preprocess`.
    """
    from mlperf_training_import.edge import at_the_edge

    return at_the_edge(_prepare, i)


def preprocess(i):
    """Imports the cached rounds. Called at the point where a native script would run; there is none.

    Ctrl-C and SIGTERM end it like an error, and leave no worker process and no half-written file.

    Args:
        i: the dictionary of the automation; read are ``env`` (``CM_IMPORT_MLPERF_TRAINING_*``) and the running script
            automation.

    Returns:
        ``{"return": 0}``, or ``return`` above 0 with ``error``: 16 if nothing was found, 130 after Ctrl-C, 143 after
        SIGTERM, 1 for everything else.
    """
    from mlperf_training_import.edge import at_the_edge

    return at_the_edge(_import, i)


def _prepare(i):
    from mlperf_training_import.flags import check_typed
    from mlperf_training_import.show.screen import Screen
    from mlperf_training_import.start.fetch import Fetcher, need_git

    home = _home(i)
    if not i["input"].get("recursion"):  # as a dependency of another script it gets keys of the automation
        check_typed(home.typed(i["input"]), i["meta"]["input_mapping"])
    options = _options(i)
    fetcher = Fetcher(home, Screen(quiet=options.quiet).tell)
    if i["variation_tags"]:
        need_git()  # else the automation would fail to fetch, without saying why
        fetcher.remove_unfinished(options.versions)
    if options.update:
        fetcher.update(options.versions)
    if i["variation_tags"] or options.update:
        home.reload_index()  # others may have written it meanwhile
    return {"return": 0}


def _home(i):
    """The home to work in. Our own command line passes on how the user called it, and named the home."""
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
    from mlperf_training_import.values import counted, one_line, printable

    # what the automation would write into the working directory, through a link too, for a native script
    i["run_script_input"].pop("tmp_file_state", None)
    options = _options(i)
    if options.check:
        return _check(options)
    screen = Screen(quiet=options.quiet)
    outcome = import_rounds(_home(i), options, screen.tell, screen.progress)
    screen.show(outcome)
    _hand_over(outcome, i["env"], i["state"])
    if outcome.failures:
        texts = "\n".join("  " + one_line(f"{finding.where}: {finding.what}") for finding in outcome.failures)
        return failed(1, f"not everything could be stored, the rest was:\n{texts}")
    if outcome.nothing and outcome.rounds:
        return failed(16, printable(outcome.nothing))
    if empty := outcome.rounds_without_results(options.versions):
        found = [finding for finding in outcome.findings if finding.round in empty][:_SHOWN_REASONS]
        reasons = "".join(f"\n  {finding.code}: {one_line(f'{finding.where}: {finding.what}')}" for finding in found)
        return failed(16, f"no result of round {', '.join(empty)}{':' if found else ''}{reasons}")
    if options.strict and outcome.findings:
        return failed(1, f"{counted(len(outcome.findings), 'finding')}, and --strict was given; see the report")
    return {"return": 0}


def _check(options):
    """Checks the tree of ``--path`` as a submission; an error if something rejects it."""
    from mlperf_training_import.checks.check import check, last_line
    from mlperf_training_import.edge import failed
    from mlperf_training_import.show.checked import to_text
    from mlperf_training_import.values import counted

    checked = check(options.path, options.versions[0], options.max_log_mb)
    if not options.quiet:
        print(to_text(checked))
    if code := checked.exit_code(strict=False):
        return failed(code, last_line(checked))
    if code := checked.exit_code(strict=options.strict):
        objections = counted(checked.counts()["objection"], "objection")
        return failed(code, f"{objections}, and --strict was given; {last_line(checked)}")
    return {"return": 0}


def _hand_over(outcome, env, state):
    """Returns what was imported to a calling workflow, under the keys in ``_cm.yaml``."""
    from mlperf_training_import.show.report import state_of

    env[_ENV + "RESULTS"] = str(sum(len(round_outcome.results) for round_outcome in outcome.rounds))
    env[_ENV + "EXPERIMENTS"] = str(len(outcome.experiments))
    env[_ENV + "FINDINGS"] = str(len(outcome.findings))
    env[_ENV + "REPORT"] = str(outcome.report.resolve()) if outcome.report else ""
    state["mlperf_training_import"] = state_of(outcome)
