"""The commands in README and the documentation: each is understood by the program that it names."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import yaml
from support import PROJECT

from mlperf_training_import.commands.line import parse
from mlperf_training_import.flags import CM_FLAGS

if TYPE_CHECKING:
    from pathlib import Path

#: Documents that show what is refused, and what the help says.
_OTHERS = {"mistakes.md", "commands.md"}
_COMMANDS = re.compile(r"```bash\n(?P<block>.*?)```|`(?P<inline>(?:python run\.py|cmr) [^`\n]+)`", re.DOTALL)
_SCRIPT = yaml.safe_load((PROJECT / "_cm.yaml").read_text(encoding="utf-8"))


def documents() -> list[Path]:
    """README, CONTRIBUTING and the pages of the documentation."""
    pages = (page for page in sorted((PROJECT / "docs").glob("*.md")) if page.name not in _OTHERS)
    return [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *pages]


def commands(program: str) -> list[list[str]]:
    """The words after a program in each command line that calls it; comments and what joins commands are left out."""
    found = []
    for page in documents():
        for match in _COMMANDS.finditer(page.read_text(encoding="utf-8")):
            for line in (match["block"] or match["inline"]).splitlines():
                for command in re.split(r" && ", line):
                    words = shlex.split(command.replace("\\|", "|"), comments=True)
                    if program in words[:2]:
                        found.append(words[words.index(program) + 1 :])
    return found


def unknown_words(words: list[str]) -> list[str]:
    """The flags and variations, in a command line of ``cmr`` for the import, that neither the script nor CM has."""
    tags, *flags = words
    variations = [tag[1:] for tag in re.split("[ ,]+", tags) if tag.startswith("_")]
    names = [flag.lstrip("-").partition("=")[0] for flag in flags]
    return [name for name in variations if name not in _SCRIPT["variations"]] + [
        name for name in names if name not in {*_SCRIPT["input_mapping"], *CM_FLAGS, "s"}
    ]


def test_every_command_of_run_py_is_understood(capsys):
    found = commands("run.py")
    assert len(found) > 30
    for words in found:
        try:
            parse("run.py", words)
        except SystemExit as end:
            assert end.code == 0, (words, capsys.readouterr().err)


def test_every_import_by_cmr_names_flags_and_variations_that_there_are():
    found = [words for words in commands("cmr") if words[0].startswith("import mlperf training")]
    assert len(found) > 5
    assert {tuple(words): unknown for words in found if (unknown := unknown_words(words))} == {}


@pytest.mark.parametrize("word", ["--submiter=Aurora", "_v3.5"])
def test_an_unknown_word_is_found(word):
    tags, flags = ("import mlperf training to-experiment", [word]) if word.startswith("-") else (f"import {word}", [])
    assert unknown_words([tags, *flags]) == [word.lstrip("-_").partition("=")[0]]
