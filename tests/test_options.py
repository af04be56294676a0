"""Flags as Collective Mind hands them on, and the options that they become."""

from pathlib import Path

import pytest

from mlperf_training_import.errors import BadInput
from mlperf_training_import.options import Options, options_from


def test_without_flags_all_is_as_declared():
    assert options_from({}) == Options()
    assert options_from({"version": None, "path": None, "quiet": False, "max_log_mb": None}) == Options()


@pytest.mark.parametrize("name", ["target_repo", "version", "path", "submitter", "output_dir", "max_log_mb", "dataset"])
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_value_is_refused(name, value):
    with pytest.raises(BadInput, match=rf"^--{name}: a value is missing \(--{name}=<value>\)$"):
        options_from({name: value})


@pytest.mark.parametrize("value", [",", " , ", [], [""]])
def test_an_empty_list_is_refused(value):
    with pytest.raises(BadInput, match=r"^--submitter: a value is missing"):
        options_from({"submitter": value})


def test_an_empty_switch_is_refused():
    with pytest.raises(BadInput, match=r"^--dry_run=: expected yes or no$"):
        options_from({"dry_run": ""})


def test_values_are_read_by_the_types_of_their_options(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    flags = {
        "target_repo": " mine ",
        "path": "~/tree",
        "version": "5.1",
        "output_dir": "~",
        "max_log_mb": "7",
        "quiet": "yes",
    }
    options = options_from(flags)
    assert (options.target_repo, options.path, options.output_dir) == ("mine", Path("/home/me/tree"), Path("/home/me"))
    assert (options.max_log_mb, options.quiet, options.strict) == (7, True, False)


def test_lists_are_texts_with_commas_or_lists():
    assert options_from({"submitter": "A, B,"}).filter.submitters == {"A", "B"}
    assert options_from({"benchmark": ["bert", None, True, " unet3d "]}).filter.benchmarks == {"bert", "unet3d"}


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"path": True}, "--path: a value is missing (--path=<value>)"),
        ({"submitter": True}, "--submitter: a value is missing (--submitter=<value>)"),
        ({"strict": "perhaps"}, "--strict=perhaps: expected yes or no"),
        ({"max_log_mb": 0}, "--max_log_mb=0: expected a whole number of megabytes above zero, without unit"),
        ({"path": "tree"}, "--path=tree: say which round it is (--version=<number>.<number>)"),
        (
            {"path": "a", "version": "5.1", "prune": True},
            "--prune: removes what a clone no longer holds, and --path names a ",
        ),
        (
            {"path": "a", "version": "5.1", "update": True},
            "--update: replaces clones in the cache, and --path names a folder",
        ),
        (
            {"update": True, "dry_run": "yes"},
            "--update: replaces clones, and --dry_run writes nothing; leave one of them out",
        ),
        ({"dataset": "d", "division": "open"}, "--dataset: holds whole rounds; leave out --submitter, --benchmark and "),
    ],
)
def test_what_cannot_be_used_is_refused(flags, text):
    with pytest.raises(BadInput) as error:
        options_from(flags)
    assert str(error.value).startswith(text)


@pytest.mark.parametrize("flag", ["path", "output_dir", "dataset"])
def test_a_folder_of_an_unknown_user_is_refused(flag):
    with pytest.raises(BadInput, match=rf"^--{flag}=~nobody_here/x: no such user on this machine; write \./~nobody_here/x"):
        options_from({flag: "~nobody_here/x", "version": "5.1"})
