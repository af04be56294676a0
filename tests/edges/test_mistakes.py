"""Mistakes that people make: each is refused before any work, with the text and the exit code of ``docs/mistakes.yaml``."""

from __future__ import annotations

import logging
import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from support import cache_round

from docs.generate import known_mistakes
from docs.generate import shown as shown_by
from mlperf_training_import.commands import line

if TYPE_CHECKING:
    from pathlib import Path

MISTAKES = known_mistakes()


@pytest.fixture(scope="module")
def places(tmp_path_factory, registered_home):
    """A CM home in which round 5.1 is cached, and a new one; beside them a folder to work in, with the round's tree."""
    from cmind.core import CM

    from mlperf_training_import.start.sample import make_repository, write_sample

    me = tmp_path_factory.mktemp("me")
    write_sample(me / "work/tree")
    make_repository(me / "work/tree")
    (me / "work/notes.txt").write_text("")
    for name in ("CM", "new"):
        shutil.copytree(registered_home, me / name, symlinks=True)
        index = me / name / "index.json"
        index.write_text(index.read_text().replace(str(registered_home), str(me / name)))
    cache_round(CM(str(me / "CM")), me / "work/tree", "5.1")
    return me


@pytest.fixture
def typed(places, monkeypatch, capfd):
    """Runs a command as it is typed, in this process; gives its exit code, and all that it shows."""

    def run(command: str, home: str) -> tuple[int, str]:
        from cmind import cli

        monkeypatch.chdir(places / "work")
        monkeypatch.setenv("CM_REPOS", str(places / home))
        # Collective Mind logs which script it runs, and its handler may be one of an earlier test
        monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])
        program, *words = shlex.split(command)
        try:
            if program == "cmr":
                cli.run_script(words)
            monkeypatch.setattr(sys, "argv", ["run.py"])
            monkeypatch.setattr(sys, "orig_argv", ["python", "run.py"])
            code = line.main(words[1:])
        except SystemExit as end:
            code = end.code
        return code, "".join(capfd.readouterr()).replace(str(places), "~").strip()

    return run


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["mistake"].replace(" ", "-"))
def test_it_is_refused_before_any_work(mistake, typed, places):
    before = files_of(places)
    code, shown = typed(mistake["typed"], mistake.get("home", "CM"))
    assert (code, shown) == (mistake["code"], shown_by(mistake))
    assert files_of(places) == before


def files_of(places: Path) -> list[Path]:
    """Everything in the folder to work in, and in the parts of the CM homes that hold rounds and results."""
    parts = ("work", *(f"{home}/repos/local/{part}" for home in ("CM", "new") for part in ("cache", "experiment")))
    return sorted(path for part in parts for path in (places / part).rglob("*"))


def test_there_are_thirty():
    assert len(MISTAKES) >= 30
    assert len({mistake["typed"] for mistake in MISTAKES}) == len(MISTAKES)


def test_the_mark_that_cm_sets_behind_an_error_spoils_no_command():
    for mistake in MISTAKES:
        *_, last = mistake["shown"].strip().split("\n")
        if mistake["typed"].startswith("cmr"):
            assert re.search(r"([ (][a-z]+|[)?])!$", last, re.IGNORECASE), last
            assert not re.search(r"\b(cmr?|run\.py)\b", last), last
