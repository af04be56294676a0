"""``cmr "gui ..."``, which opens the playground, as far as it goes without a browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import forked
import pytest
import yaml
from support import PROJECT, in_every_process, run_cmr

from mlperf_training_import.homes import home_of
from mlperf_training_import.start.register import SCRIPTS, register

GUI = SCRIPTS[1]


@pytest.mark.parametrize("tags", ["gui", "gui _main", "gui _chatgpt"])
def test_what_cannot_start_says_what_works(registered, tags):
    done = forked.cmr(tags)
    assert done.returncode == 1
    assert "the form for scripts and the chat of cmx4mlops cannot start; what works:" in done.stderr
    assert 'cmr "gui _playground"   the playground over this CM home\n' in done.stderr
    assert 'cmr "gui _graph"   its page of results alone\n' in done.stderr


def test_the_form_of_a_script(registered, cmr):
    done = cmr("gui", "--script=run,mlperf")
    assert done.returncode == 1
    assert 'cmr "run,mlperf" --help   the flags of a script\n' in done.stderr


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        (
            "--address=0.0.0.0",
            "--address=0.0.0.0: refused, as whoever reaches the page can read all results in this CM home",
        ),
        ("--prot=8000", "--prot: no such flag; did you mean --port?"),
        ("--port=many", "--port=many: expected a number"),
        ("--port=99999", "port 99999 on 127.0.0.1 is taken or not allowed; choose another one with --port"),
    ],
)
def test_flags_that_are_refused(registered, made_up, flag, text, cmr):
    done = cmr("gui _playground", flag, "--no_browser")
    assert done.returncode == 1
    assert text in done.stderr


@pytest.fixture
def made_up(registered):
    """Something to show, and the playground's packages."""
    from browser_support import need_playground
    from madeup import make_entry, store

    need_playground()
    store(Path(os.environ["CM_REPOS"]), [make_entry(0)])


def test_nothing_to_show(registered, cmr):
    from browser_support import need_playground

    need_playground()
    done = cmr("gui _playground", "--no_browser")
    assert done.returncode == 16
    assert "no MLPerf results in this CM home; import some first" in done.stderr


def test_missing_packages_are_one_line_with_the_command(registered, tmp_path):
    path = in_every_process(
        tmp_path / "site",
        "import importlib.metadata as m\n"
        "distribution = m.distribution\n"
        "def without(name):\n"
        "    if name == 'streamlit': raise m.PackageNotFoundError(name)\n"
        "    return distribution(name)\n"
        "m.distribution = without\n",
    )
    done = run_cmr("gui _playground", env={"PYTHONPATH": path})
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "streamlit" in line]
    assert len(lines) == 1
    assert f"run: {sys.executable} -m pip install -r {PROJECT}/requirements-playground.txt" in lines[0]


def test_nothing_is_asked_and_nothing_is_installed():
    contract = yaml.safe_load((GUI.folder / "_cm.yaml").read_text())
    assert not {"deps", "prehook_deps", "posthook_deps", "predeps"} & contract.keys()
    assert all(set(row) == {"group", "env"} for row in contract["variations"].values())
    assert contract["input_mapping"].keys() == contract["input_description"].keys()


def test_it_is_found_as_the_script_of_cmx4mlops_is(registered):
    import cmx4mlops

    theirs = yaml.safe_load((Path(cmx4mlops.__path__[0]) / "repo/script/gui/_cm.yaml").read_text())
    ours = yaml.safe_load((GUI.folder / "_cm.yaml").read_text())
    for key in ("alias", "uid", "tags", "automation_alias", "automation_uid", "category"):
        assert ours[key] == theirs[key]
    assert ours["variations"].keys() == theirs["variations"].keys()
    for flag, variable in ours["input_mapping"].items():
        assert theirs["input_mapping"][flag] == variable


def test_one_index_leads_to_both(cm):
    asked = []
    access = cm.access
    cm.access({"action": "find", "automation": "script", "artifact": GUI.alias})  # builds the index, which leads to theirs
    cm.access = lambda question, *rest: (asked.append(question), access(question, *rest))[1]
    register(home_of(cm))
    assert [question["action"] for question in asked].count("reindex") == 1
    for script in SCRIPTS:
        found = access({"action": "find", "automation": "script", "artifact": f"{script.alias},{script.uid}"})
        assert Path(found["list"][0].path).resolve() == script.folder
