"""What advice names: the commands of a home, or our own command line, as the user came in."""

import os
import sys
from pathlib import Path

import pytest
from support import PROJECT

from mlperf_training_import import __version__
from mlperf_training_import.commands.home import open_cm_home, open_home
from mlperf_training_import.commands.import_rounds import script_flags
from mlperf_training_import.errors import BadInput
from mlperf_training_import.flags import flag_meant
from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.homes.mlc import MlcHome
from mlperf_training_import.interpreter import module_command
from mlperf_training_import.rounds.advice import fetch_command
from mlperf_training_import.tables.suites import source_of


@pytest.fixture
def mlc(tmp_path):
    """The folder of a home of MLCFlow."""
    (tmp_path / "MLC/local").mkdir(parents=True)
    (tmp_path / "MLC/local/meta.yaml").write_text("uid: x\n")
    return tmp_path / "MLC"


@pytest.fixture
def ours(monkeypatch):
    """As if our command line was started."""
    monkeypatch.setattr(sys, "argv", ["run.py"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "run.py"])


def see_it(home, target_repo="", *, playground=True, dataset=True, registered=True):
    """The commands that are named after an import into a home, by their purposes."""
    steps = home.commands.next_steps(target_repo, playground=playground, dataset=dataset, registered=registered)
    return dict(steps)


def test_those_who_came_through_collective_mind_are_sent_to_its_commands(cm):
    home = home_of(cm)
    assert see_it(home) == {"see it": 'cmr "gui _playground"'}
    assert fetch_command("5.1", home.commands).startswith('cmr "get git repo _repo.https://github.com/')


def test_where_collective_mind_has_the_older_playground_ours_is_named(cm):
    assert see_it(home_of(cm), registered=False) == {"see it": f"{sys.executable} {PROJECT / 'run.py'} playground"}


@pytest.mark.parametrize(("fixture", "ours"), [("cm", False), ("registered", True)])
def test_the_index_says_whose_playground_it_is(fixture, ours, request):
    home = home_of(request.getfixturevalue(fixture))
    with home.index_left_alone():
        assert home.opens_our_playground() is ours


def test_the_playground_is_not_ours_where_collective_mind_has_no_index(cm, monkeypatch):
    monkeypatch.setenv("CM_INDEX", "off")
    home = CmHome(Path(cm.repos_path))
    with home.index_left_alone():
        assert home.find_repository("local").alias == "local"
        assert not home.opens_our_playground()


def test_without_what_the_playground_needs_the_page_is_named(cm, mlc, ours):
    assert see_it(home_of(cm), playground=False) == {"see it": f"{sys.executable} {PROJECT / 'run.py'} report"}
    assert see_it(open_cm_home(None), "my repo", playground=False) == {
        "see it": "python run.py report --target_repo='my repo'"
    }
    assert see_it(open_home(mlc), "mine", dataset=False) == {
        "see it": f"python run.py report --home={mlc} --target_repo=mine"
    }


def test_those_who_came_through_mlcflow_are_sent_to_our_command_line_with_their_home(mlc):
    steps = see_it(MlcHome(mlc))
    assert list(steps) == ["see it", "every run as tables"]
    assert all(command.endswith(f" --home={mlc}") for command in steps.values())
    assert fetch_command("5.1", MlcHome(mlc).commands).startswith("mlcr get,git,repo,_repo.https://github.com/")


def test_those_who_came_through_our_command_line_stay_there(mlc, tmp_path, ours):
    assert see_it(open_cm_home(None)) == {"see it": "python run.py playground"}
    new = tmp_path / "new"
    assert see_it(open_home(new, may_be_new=True)) == {"see it": f"python run.py playground --home={new}"}
    assert see_it(open_home(mlc))["see it"] == f"python run.py report --home={mlc}"
    assert fetch_command("5.1", open_home(mlc).commands) == "python run.py --round 5.1"


def test_version_alone_is_that_of_the_program(main, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


def test_closed_standard_input_is_named(main, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["score", "-"]) == 1
    assert capsys.readouterr().err.startswith("error: -: standard input is closed;")


def test_a_flag_that_deletes_is_never_suggested():
    for typed in ("round", "prun", "prunes"):
        assert "prune" not in flag_meant(typed, script_flags())


def test_a_clone_is_fetched_by_the_command_that_is_advised(mlc, tmp_path):
    source = source_of("5.1")
    for home, module in ((open_cm_home(tmp_path / "new", may_be_new=True), "cmind"), (MlcHome(mlc), "mlc")):
        command = home.fetch_command(source, anew=False)
        assert command == module_command(module, *command[3:])
        assert command[3:5] == ["run", "script"]
        assert f"_repo.{source.address}" in command[5]
        assert {f"--extra_cache_tags={source.cache_tags}", "--submodules=", "-s"} <= set(command)
        assert any(word.endswith(f"={source.branch}") for word in command)
    assert "--new" in open_cm_home(None).fetch_command(source, anew=True)
    assert "--new" not in MlcHome(mlc).fetch_command(source, anew=True)


@pytest.mark.parametrize("name", ["my CM", "CM$x", "CM`x`", "a,b"])
def test_a_home_that_cm_cannot_work_in_is_refused_however_it_is_named(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CM_REPOS", str(tmp_path / name))
    for folder in (None, tmp_path / name):
        with pytest.raises(BadInput, match="CM cannot work below a path with spaces"):
            open_cm_home(folder, may_be_new=True)


def test_a_home_named_relative_to_here_is_that_place_everywhere(isolated, monkeypatch):
    monkeypatch.setenv("CM_REPOS", "mine")
    assert open_cm_home(None).repos_path == isolated / "mine"
    assert os.environ["CM_REPOS"] == str(isolated / "mine")


@pytest.mark.parametrize(
    ("place", "text"),
    [("mine", "CM_REPOS=mine: CM needs a whole path; set CM_REPOS=/"), ("/a b/CM", "^/a b/CM: CM cannot work")],
)
def test_collective_mind_itself_is_held_to_the_same_rule(place, text, cm):
    cm.repos_path = place
    with pytest.raises(BadInput, match=text):
        home_of(cm)
