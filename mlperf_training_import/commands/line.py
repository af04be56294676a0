"""Reads the command line, runs one command, and turns what went wrong into an exit code."""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from .. import __version__
from ..edge import EXPECTED, explained, stopped_by_signals
from ..garbage import rare_collections
from ..streams import give_up_output, prepare_streams
from ..suggest import did_you_mean
from ..way_in import program_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

#: The commands and their modules, the default first.
COMMANDS = {
    "import": "import_rounds",
    "publish": "publish",
    "register": "register",
    "list": "list_imported",
    "playground": "playground",
    "report": "report",
    "dataset": "dataset",
    "score": "score",
    "arrange": "arrange",
    "check": "check",
}

_DESCRIPTION = "Imports MLPerf Training result repositories as Collective Mind experiments."
_EXAMPLES = """examples:
  {name} import --demo                   import a made-up round into a CM home of its own, to see what you get
  {name} --round 3.0 --round 4.1         fetch these rounds (only what is not cached yet) and import them
  {name}                                 import every round that is cached
  {name} --path DIR --version 5.1        import a tree on this machine, before it is published
  {name} list                            show what is cached, and what is imported
  {name} playground                      open the results in the Collective Knowledge Playground
  {name} report                          write one web page with charts and a table of all results
  {name} publish --target_repo NAME      import into a repository, and write the text of a pull request
  {name} dataset --round 4.1             write every run and evaluation of a round as Parquet files

The CM home is ~/CM, or the folder that the variable CM_REPOS or --home names.
Exit codes: 0 done; 1 failed; 2 wrong command line; 16 no such round, repository or result;
130 stopped by Ctrl-C; 143 stopped by SIGTERM; 141 the reader of the output has gone away.
"""
_USAGE = 2
#: What a shell says of a program that wrote into a pipe which nobody read any more (128 + SIGPIPE).
_OUTPUT_CLOSED = 141


def program() -> NoReturn:
    """Runs the command line as this whole process, and ends it.

    Hardly anything is garbage before the end. To look for it there would visit every object several times, which takes a
    sixth of the time of a short command.
    """
    with rare_collections():
        code = main()
        gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the command line after the name of the program; None uses that of this process.

    Returns:
        The exit code, as the help lists them.
    """
    prepare_streams()
    name = program_name()
    try:
        with stopped_by_signals():
            command, options = parse(name, list(sys.argv[1:] if arguments is None else arguments))
            code: int = command.run(options)
            sys.stdout.flush()  # here it can still be said that nobody reads it
    except BrokenPipeError:  # ``list | head``: who ends the pipe knows it
        give_up_output()
        return _OUTPUT_CLOSED
    except EXPECTED as error:
        code, text = explained(error, "run: ", "what was stored before is whole")
        print(f"error: {text}", file=sys.stderr)
    return code


def parse(name: str, words: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The command that was asked for, and its options; argparse ends the program where they cannot be read.

    Args:
        name: what starts the command line.
        words: what was typed behind it. Flags may be spelt with hyphens in place of underscores.
    """
    words = [_underscored(word) for word in words]
    if not words or words[0].startswith("-"):
        if words == ["--version"] or words[:1] in (["-h"], ["--help"]):
            _general_parser(name).parse_args(words)
        words = [next(iter(COMMANDS)), *words]
    if words[0] not in COMMANDS:
        _general_parser(name).error(f"{words[0]}: no such command{did_you_mean(words[0], COMMANDS)}")
    parser = _parser_of(name, words[0])
    switches = {flag: action.const for flag, action in parser._option_string_actions.items() if action.nargs == "?"}
    # a word behind a switch is no value of it
    words = [f"{word}={switches[word]}" if word in switches else word for word in words]
    options, unknown = parser.parse_known_args(words[1:])
    if unknown:
        parser.error(_about(unknown[0], words[0]))
    return _module_of(words[0]), options


#: Made for each flag, but formats nothing; argparse's own would load shutil to ask for the width of the terminal.
_NARROW = functools.partial(argparse.HelpFormatter, width=80)


class Parser(argparse.ArgumentParser):
    """A parser that accepts no abbreviations, and points to the help instead of printing the whole usage."""

    def __init__(self, **settings: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_NARROW, **settings)  # type: ignore[arg-type]

    def format_help(self) -> str:
        """The help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def _get_value(self, action: argparse.Action, arg_string: str) -> object:
        """The value of one flag. An empty value is refused: it usually comes from an unset shell variable."""
        if not arg_string.strip():
            raise argparse.ArgumentError(action, "a value is missing")
        value: object = super()._get_value(action, arg_string)
        return value

    def error(self, message: str) -> NoReturn:
        """Ends the program with a message."""
        self.exit(_USAGE, f"error: {message.removeprefix('argument ')}\nsee: {self.prog} --help\n")


class Once(argparse.Action):
    """Stores a value, and refuses a second one, which would replace the first."""

    def __call__(
        self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, _flag: str | None = None
    ) -> None:
        """Stores the value of one flag."""
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "given twice; give it once, with commas between several values")
        setattr(namespace, self.dest, values)


def iter_help(name: str) -> Iterator[tuple[str, str]]:
    """What ``--help`` shows: the command line that asks for it, and the text, for all commands and for each of them."""
    yield f"{name} --help", _general_parser(name).format_help()
    for word in COMMANDS:
        yield f"{name} {word} --help", _parser_of(name, word).format_help()


def _general_parser(name: str) -> Parser:
    # listed here: every version of Python lays out argparse's own list of commands in another way
    lines = ["commands:"]
    for word in COMMANDS:
        first = _help_of(_module_of(word)).partition("\n")[0]
        default = " (the default)" if word == next(iter(COMMANDS)) else ""
        lines.append(f"  {word:<11} {first}{default}")
    epilog = "\n".join((*lines, "", _EXAMPLES.format(name=name)))
    parser = Parser(prog=name, usage="%(prog)s [-h] COMMAND ...", description=_DESCRIPTION, epilog=epilog)
    parser.add_argument("--version", action="version", version=__version__, help="show the version of this program and exit")
    return parser


def _module_of(word: str) -> ModuleType:
    return importlib.import_module(f".{COMMANDS[word]}", __package__)


def _parser_of(name: str, word: str) -> Parser:
    command = _module_of(word)
    parser = Parser(prog=f"{name} {word}", description=_help_of(command))
    command.add_flags(parser)
    return parser


def _help_of(command: ModuleType) -> str:
    return (command.__doc__ or "").strip()


def _underscored(word: str) -> str:
    """A flag as it is declared: ``--dry-run=yes`` is ``--dry_run=yes``."""
    flag, equals, value = word.partition("=")
    return flag.replace("-", "_").replace("__", "--", 1) + equals + value if re.match(r"--\w", flag) else word


def _about(word: str, name: str) -> str:
    """Why a word cannot be understood, and what may have been meant."""
    from ..flags import flag_meant

    flag = word.partition("=")[0]
    if word in COMMANDS:
        return f"{word}: the command comes first, then its options"
    if not flag.startswith("-"):
        return f"{word}: not expected here"
    owners = [other for other in COMMANDS if other != name and flag in _flags_of(other)]
    if owners:
        return f"{flag}: {name} has no such option; {' and '.join(owners)} {'has' if len(owners) == 1 else 'have'} it"
    flags = [known[2:] for known in _flags_of(name) if known.startswith("--")]
    return f"{flag}: {name} has no such option{flag_meant(flag.lstrip('-'), flags)}"


def _flags_of(word: str) -> list[str]:
    return list(_parser_of("", word)._option_string_actions)
