"""The address of a clone against the label that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_training_import.errors import WrongRepository
from mlperf_training_import.homes.commands import CM
from mlperf_training_import.model import Round
from mlperf_training_import.rounds.repository import is_of_its_repository, refuse_wrong_repository


def cached(label: str, remote: str | None) -> Round:
    return Round(label, label.partition("-")[0], Path("/CM/repos/local/cache/0123456789abcdef/repo"), remote=remote)


@pytest.mark.parametrize(
    "name",
    [
        *("training_results_v4.1", "Training_Results_v5.10", "submissions_training_v5.0", "inference_results_v5.1"),
        *(
            "tiny_results_v5.1",
            "mobile_results_v1",
            "hpc_results_v5.1",
            "submissions_inference_v5.1",
            "storage_results_v2.0.1",
        ),
    ],
)
def test_another_round_or_kind_is_refused(name):
    """Whatever the host, the organisation, and upper or lower case."""
    for place in ("github.com/mlcommons", "git.example.org/mirror", "/srv/mirror"):
        with pytest.raises(WrongRepository) as failure:
            refuse_wrong_repository(cached("5.1", f"{place}/{name}"), CM)
        text = str(failure.value)
        assert f"a clone of {name.lower()}, and not of training_results_v5.1, as round 5.1 is; " in text
        assert "run: cm rm cache 0123456789abcdef -f, then fetch the round again: " in text
        assert failure.value.return_code == 1


@pytest.mark.parametrize(
    ("label", "name"),
    [
        *(
            ("5.1", "training_results_v5.1"),
            ("5.1-private", "submissions_training_v5.1"),
            ("5.1", "submissions_training_v5.1"),
        ),
        *(("5.1-private", "training_results_v5.1"), ("5.1", "training_results_v5.1-mylab"), ("5.1", "my-results")),
        *(("5.1", "training_results_v5.1_backup"), ("5.1", "training_results"), ("5.1", "logging"), ("5.1", "results_v4")),
    ],
)
def test_every_other_address_is_fine(label, name):
    refuse_wrong_repository(cached(label, f"github.com/someone/{name}"), CM)
    refuse_wrong_repository(cached(label, None), None)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("training_results_v4.1", "run again with --version=4.1"),
        ("inference_results_v5.1", "its results cannot be imported"),
    ],
)
def test_a_tree_that_the_user_named(name, advice):
    with pytest.raises(WrongRepository, match=advice):
        refuse_wrong_repository(cached("5.1", f"github.com/mlcommons/{name}"), None)


def test_which_tree_is_that_of_the_round():
    assert is_of_its_repository(cached("5.1", "github.com/mlcommons/training_results_v5.1"))
    assert not is_of_its_repository(cached("5.1", "github.com/mlcommons/training_results_v5.1-fork"))
    assert not is_of_its_repository(cached("5.1", None))
