"""Fetches rounds, where some are named, and imports what is cached, through the script for Collective Mind."""

from __future__ import annotations

import shutil
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, ImportFailure
from ..options import Options, check_label, options_from
from ..place import IMPORT_SCRIPT
from ..start.fetch import fetch_round, update_rounds
from ..start.register import register
from ..start.sample import make_repository, write_sample
from ..tables.files import load_table
from ..tables.suites import source_of
from ..way_in import remember_home
from .home import add_home_flag, alone_in_home, check_place, collective_mind, use_home
from .line import Once

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

_SCRIPT_TAGS = "import,mlperf,training,to-experiment"
_SAMPLE_LABEL = "5.1-sample"
_DEMO_HOME = Path("mlperf-training-demo")
#: What goes with --demo, which says itself what it imports.
_WITH_DEMO = frozenset({"quiet", "strict", "max_log_mb", "no_cache"})
#: Flags that stand alone, or say yes or no.
_SWITCHES = frozenset(field.name for field in fields(Options) if field.type == "bool")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command: those of the script, and those about what comes before it."""
    parser.add_argument("--demo", action="store_true", help="import a made-up round, into a CM home of its own")
    add_home_flag(parser)
    parser.add_argument(
        "--round",
        action="append",
        metavar="X.Y",
        help="fetch this round, unless it is cached, and import it; may be repeated, or be a list with commas",
    )
    for name, text in script_flags().items():
        if name in _SWITCHES:
            parser.add_argument(f"--{name}", action=Once, nargs="?", const="yes", metavar="yes|no", help=_for_help(text))
        else:
            parser.add_argument(f"--{name}", action=Once, metavar="VALUE", help=_for_help(text))


def script_flags() -> dict[str, str]:
    """The flags of the script, each with its sentence, as ``_cm.yaml`` declares them."""
    contract = load_table(IMPORT_SCRIPT / "_cm.yaml", dict[str, Any])
    return {name: row["desc"] for name, row in contract["input_description"].items()}


def run(options: argparse.Namespace) -> int:
    """Registers the script in the CM home, fetches what was asked for, and runs the import."""
    flags = {name: value for name in script_flags() if (value := getattr(options, name)) is not None}
    rounds = [label.strip() for value in options.round or () for label in value.split(",")]
    wanted = _checked(options, flags, rounds)
    tell: Callable[[str], None] = (lambda _: None) if wanted.quiet else (lambda text: print(text, flush=True))
    clock = Clock()
    if options.demo:
        home = options.home or _DEMO_HOME
        sample = _make_demo(home)
        clock.step("sample")
        rounds, flags = [_SAMPLE_LABEL], flags | {"output_dir": str(home)}
    else:
        use_home(options.home, may_be_new=True)
    with alone_in_home():
        register(collective_mind())
    clock.step("registration")
    if options.demo:
        source = replace(source_of(_SAMPLE_LABEL), address=f"file://{sample}", branch="main")
        fetch_round(collective_mind(), _SAMPLE_LABEL, tell, source)
    elif wanted.path is None:
        fetched = [label for label in rounds if fetch_round(collective_mind(), label, tell)]
        if wanted.update:
            update_rounds(collective_mind(), [label for label in wanted.versions if label not in fetched], tell)
    clock.step("fetching")
    run_script(flags | {"update": "no", "version": _versions(flags, rounds)})
    clock.step("import")
    if options.demo:
        tell(f"CM home: {home / 'CM'}\nsample: {sample}")
    tell(f"time: {clock}")
    return 0


def run_script(flags: Mapping[str, str]) -> None:
    """Runs the script through Collective Mind.

    Raises:
        ImportFailure: it failed; with its text and return code.
    """
    question = {"action": "run", "automation": "script,5b4e0237da074764", "tags": _SCRIPT_TAGS, "silent": "yes"}
    result = collective_mind().access({**question, **flags})
    if result["return"] > 0:
        failure = ImportFailure(result["error"].rstrip())
        failure.return_code = result["return"]
        raise failure


class Clock:
    """How long each step took."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._steps: list[str] = []

    def step(self, name: str) -> None:
        """Ends a step."""
        now = time.monotonic()
        self._steps.append(f"{name} {now - self._last:.1f} s")
        self._last = now

    def __str__(self) -> str:
        return ", ".join(self._steps)


def _checked(options: argparse.Namespace, flags: Mapping[str, str], rounds: Sequence[str]) -> Options:
    """What was asked for, before anything is done.

    Raises:
        BadInput: a value cannot be used, or flags contradict each other.
    """
    if options.demo:
        given = [name for name in (*flags, *(["round"] if rounds else [])) if name not in _WITH_DEMO]
        if given:
            raise BadInput(f"--demo imports a round of its own; leave out {', '.join(f'--{name}' for name in given)}")
    for label in rounds:
        check_label("--round", label)
    return options_from({**flags, "version": _versions(flags, rounds)})


def _versions(flags: Mapping[str, str], rounds: Sequence[str]) -> str:
    return ",".join((*rounds, *filter(None, [flags.get("version")])))


def _make_demo(folder: Path) -> Path:
    """Makes the sample round, and points CM to a home beside it; returns the sample's repository."""
    check_place(folder)
    use_home(folder / "CM", may_be_new=True)
    remember_home(folder)
    sample = folder.resolve() / "training_results_sample"
    if not sample.exists():
        unfinished = folder / "training_results_sample.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample(unfinished)
        make_repository(unfinished)
        unfinished.rename(sample)
    return sample


def _for_help(text: str) -> str:
    """A sentence as argparse takes it, which would replace what follows a percent sign."""
    return text.replace("%", "%%")
