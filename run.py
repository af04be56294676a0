#!/usr/bin/env python3
"""The way in for people who do not know Collective Mind yet; `python run.py --help` says what it does."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT_TAGS = "import mlperf training to-experiment"
SAMPLE_LABEL = "5.1-sample"
DEMO_HOME = Path("mlperf-training-demo")
REPORT_FILE = Path("mlperf-training-results.html")

EPILOG = """examples:
  python run.py --demo                      a made-up round in a CM home of its own: see what you get
  python run.py --round 3.0 --round 4.1     fetch these rounds (only what is not cached yet) and import them
  python run.py                             import every round that is cached
  python run.py --path DIR --round 5.1      import a tree on this machine, before it is published
  python run.py list                        what is cached, and what is imported
  python run.py playground                  look at what is imported, in the Collective Knowledge Playground
  python run.py report                      write what is imported as one web page, with charts and a table

The CM home is ~/CM, or the folder that the variable CM_REPOS names.
"""


def main(arguments=None):
    """Runs the command line; returns the exit code."""
    options = parse(arguments)
    if sys.version_info < (3, 10):  # noqa: UP036 - the message is for those who have an older one
        return fail("Python 3.10 or later is needed, this is {}.{}".format(*sys.version_info[:2]))
    signal.signal(signal.SIGTERM, stop)  # else the import would go on without us
    try:
        return run(options)
    except ImportError as error:
        return fail(f"{error}; run: {sys.executable} -m pip install -r {HERE / 'requirements.txt'}")


def run(options):
    """Runs one command; returns the exit code."""
    from mlperf_training_import.errors import ImportFailure

    try:
        commands = {"import": import_, "list": list_, "playground": playground, "report": report}
        return commands[options.command](options)
    except ImportFailure as error:
        return fail(str(error))
    except KeyboardInterrupt as stop:
        return fail("interrupted; what was stored before is whole", 128 + (stop.args[0] if stop.args else signal.SIGINT))
    except OSError as error:
        return fail(f"{error.filename or 'this machine'}: {error.strerror}")


def parse(arguments):
    """The command line as a namespace; argparse ends the program where it cannot be read."""
    parser = argparse.ArgumentParser(
        description="Imports MLPerf Training result repositories as Collective Mind experiments.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = ("import", "list", "playground", "report")
    parser.add_argument("command", nargs="?", choices=commands, default="import", help="default: import")
    parser.add_argument(
        "--demo", action="store_true", help="make a small sample round and import it into a CM home of its own"
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help=f"folder that the demo makes and uses (default: {DEMO_HOME}); playground and report also take a CM home",
    )
    parser.add_argument(
        "--round", action="append", default=[], metavar="X.Y", help="fetch and import this round; may be repeated"
    )
    parser.add_argument(
        "--path", metavar="DIR", help="import this tree instead of a fetched one; --round says which round it is"
    )
    parser.add_argument("--target_repo", metavar="NAME", help="CM repository that gets the experiments (default: local)")
    parser.add_argument("--dry_run", action="store_true", help="say what would change, write nothing")
    parser.add_argument(
        "--public", action="store_true", help="these results are under no embargo, whatever their label says"
    )
    parser.add_argument("--port", type=int, metavar="N", help="port of the playground (default: 8501 or any free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the playground in the browser")
    parser.add_argument(
        "--output", type=Path, default=REPORT_FILE, metavar="FILE", help="page that report writes (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.demo and (options.round or options.path or options.command != "import"):
        parser.error("--demo goes with --home only")
    if options.path and len(options.round) != 1:
        parser.error("--path needs one --round, which says what round the tree is")
    return options


def import_(options):
    """Registers this script in the CM home, fetches what was asked for, and runs the import through CM."""
    from mlperf_training_import.tables.suites import source_of

    clock = Clock()
    labels = options.round
    if options.demo:
        home = (options.home or DEMO_HOME).resolve()
        sample = make_sample(home)
        labels = [SAMPLE_LABEL]
        clock.step("sample")
    link = register()
    clock.step("registration")
    if options.demo:
        fetch("file://" + str(sample), "main", source_of(SAMPLE_LABEL).cache_tags)
    elif not options.path:
        for label in labels:
            fetch_round(label)
    clock.step("fetching")
    flags = [f"--version={','.join(labels)}"] if labels else []
    flags += [f"--{name}={value}" for name in ("path", "target_repo") if (value := getattr(options, name))]
    flags += [f"--{name}" for name in ("dry_run", "public") if getattr(options, name)]
    if options.demo:
        flags.append(f"--output_dir={home}")
    code = cm_run([SCRIPT_TAGS, *flags], show=True)
    clock.step("import")
    if code == 0:
        if options.demo:
            list_(options)
            print(f"\nCM home:  {os.environ['CM_REPOS']}\nsample:   {sample}\nscript:   {link} -> {HERE}")
            print(f"see it:   {sys.executable} {HERE / 'run.py'} playground --home {home}")
        print(f"\ntime: {clock}")
    return code


def make_sample(home):
    """Makes the sample round and points CM to a home of its own, both in one folder; returns the sample's repository."""
    from mlperf_training_import.errors import BadInput
    from mlperf_training_import.start.sample import make_repository, write_sample

    if any(c.isspace() or c in ",'\"" for c in str(home)):
        raise BadInput(f"{home}: CM cannot work below a path with blanks, commas or quotes; choose another --home")
    os.environ["CM_REPOS"] = str(home / "CM")
    sample = home / "training_results_sample"
    if not sample.exists():
        unfinished = home / "training_results_sample.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample(unfinished)
        make_repository(unfinished)
        unfinished.rename(sample)
    return sample


def register():
    """Makes CM run this script and not the older one of the same name; returns the link in the CM home."""
    from mlperf_training_import.start.register import register as register_in

    return register_in(collective_mind(), HERE)


def fetch_round(label):
    """Fetches a public round from GitHub, unless it is cached."""
    from mlperf_training_import.errors import BadInput
    from mlperf_training_import.tables.suites import source_of

    try:
        source = source_of(label)
    except ValueError:
        raise BadInput(f"--round {label}: expected <number>.<number>, such as 4.1") from None
    fetch(source.address, source.branch, source.cache_tags)


def fetch(address, branch, cache_tags):
    """Caches a repository through CM's own script for that, unless the round is cached.

    Raises:
        ImportFailure: git could not clone it.
    """
    from mlperf_training_import.errors import ImportFailure

    found = collective_mind().access(
        {"action": "find", "automation": "cache,541d6f712a6b464e", "tags": f"get,repo,{cache_tags}"}
    )
    if found.get("list"):
        return
    print(f"fetching {address} ...", flush=True)
    arguments = [f"get git repo _repo.{address}", f"--extra_cache_tags={cache_tags}", f"--branch={branch}"]
    if cm_run(arguments, show=False) != 0:
        raise ImportFailure(f"{address} could not be fetched; check address, network and disk space, then try again")


def stop(number, _frame):
    """Ends what is done, and the processes that do it, as Ctrl-C does."""
    raise KeyboardInterrupt(number)


def cm_run(arguments, show):
    """Runs a CM script as `cmr` does; its output is shown, or only if it fails. Returns the exit code."""
    command = [sys.executable, "-m", "cmind", "run", "script", *arguments]
    if show:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - no shell, our own arguments
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")  # noqa: S603 - as above
    if done.returncode != 0:
        print("\n".join((done.stdout + done.stderr).splitlines()[-15:]), file=sys.stderr)
    return done.returncode


def list_(options):
    """Prints the cached rounds and the imported experiments."""
    from mlperf_training_import.show.screen import show_imported

    show_imported(collective_mind(), options.target_repo or "")
    return 0


def playground(options):
    """Opens the playground over the CM home, until it is stopped."""
    from mlperf_training_import.show.playground.playground import open_playground

    use_home(options.home)
    show = not options.no_browser
    open_playground(collective_mind(), lambda message: print(message, flush=True), port=options.port, browser=show)
    return 0


def report(options):
    """Writes the imported results as a web page."""
    from mlperf_training_import.experiments.collect import collect_from, unique_entries
    from mlperf_training_import.show.page.page import write_page

    use_home(options.home)
    entries = unique_entries(collect_from(collective_mind(), options.target_repo or ""))
    count = write_page(entries, options.output)
    print(f"wrote {options.output} ({count} results)")
    return 0


def use_home(folder):
    """Points CM to the home that was asked for: a folder of the demo, or a CM home itself."""
    if folder is None:
        return
    from mlperf_training_import.errors import BadInput

    home = next((home for home in (folder / "CM", folder) if (home / "repos").is_dir()), None)
    if home is None:
        raise BadInput(f"--home {folder}: no CM home, and no folder that the demo made")
    os.environ["CM_REPOS"] = str(home.resolve())


def collective_mind():
    """A Collective Mind of our own, which sees what other processes have changed."""
    from cmind.core import CM

    return CM()


def fail(message, code=1):
    """Prints an error; returns the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return code


class Clock:
    """How long each step took."""

    def __init__(self):
        self._last = time.monotonic()
        self._steps = []

    def step(self, name):
        """Ends a step."""
        now = time.monotonic()
        self._steps.append(f"{name} {now - self._last:.1f} s")
        self._last = now

    def __str__(self):
        return ", ".join(self._steps)


if __name__ == "__main__":
    sys.exit(main())
