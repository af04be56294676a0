"""What the checkers of mlperf_logging said of published rounds, to the letter."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from support import extract

from mlperf_training_import.checks.check import Checked, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module", params=["3.0", "4.0", "4.1"])
def checked(real_tree: Callable[[str], Path], request: pytest.FixtureRequest) -> Checked:
    """A round as the checkers judge it."""
    return check(real_tree(request.param), request.param, as_peer=True)


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "reference/check" / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def codes_of_logs(checked: Checked) -> dict[str, tuple[str, str, str]]:
    return {
        log.path: (log.judged.verdict, ";".join(log.judged.errors), ";".join(log.judged.warnings)) for log in checked.logs
    }


def test_every_log_has_the_verdict_and_codes_of_the_peer(checked: Checked, shared: Path) -> None:
    expected = {
        f"{row['folder']}/{row['log']}": (row["verdict"], row["errors"], row["warnings"])
        for row in rows(shared, f"compliance-{checked.version}")
    }
    assert codes_of_logs(checked) == expected


def test_every_package_has_the_verdict_and_codes_of_the_peer(checked: Checked, shared: Path) -> None:
    packages = {package.submitter: package for package in checked.packages}
    folders = {folder.folder: folder for package in checked.packages for folder in package.folders}
    named = set()
    for row in rows(shared, f"package-{checked.version}"):
        package = packages[row["submitter"]]
        if row["verdict"]:
            assert package.verdict == row["verdict"]
        if row["folder"]:
            folder = folders[row["folder"]]
            named.add(row["folder"])
            assert (";".join(folder.errors), ";".join(folder.warnings)) == (row["errors"], row["warnings"])
        elif row["errors"] and not row["verdict"]:
            assert set(package.errors) == set(row["errors"].split(";"))
    others = [folder for folder in folders.values() if folder.folder not in named and (folder.errors or folder.warnings)]
    assert all(packages[folder.folder.partition("/")[0]].verdict == "crash" for folder in others)


def test_every_description_has_the_verdict_and_reasons_of_the_peer(checked: Checked, shared: Path) -> None:
    found = {
        (package.submitter, said.file): (said.verdict, ";".join(said.reasons))
        for package in checked.packages
        for said in package.descriptions
    }
    expected = {
        (row["submitter"], row["file"]): (row["verdict"], row["reasons"])
        for row in rows(shared, f"system-{checked.version}")
    }
    assert found == expected


def test_every_folder_has_the_verdict_and_factor_of_the_peer(checked: Checked, shared: Path) -> None:
    folders = {folder.folder: folder.rcp for package in checked.packages for folder in package.folders}
    expected = rows(shared, f"rcp-{checked.version}")
    assert len(expected) > 100
    for row in expected:
        verdict, code, factor = folders[row["folder"]]
        assert (verdict, code) == (row["verdict"], row["message"]), row["folder"]
        assert factor == pytest.approx(float(row["factor"]), rel=1e-9)


@pytest.fixture(scope="module")
def excerpt(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some logs of 6.0."""
    return extract(shared / "cases/round-6.0-excerpt.tar.xz", tmp_path_factory.mktemp("excerpt"))


@pytest.mark.parametrize("version", ["5.1", "6.0", "6.1"])
def test_logs_of_6_0_by_three_rulesets(shared: Path, excerpt: Path, version: str) -> None:
    found = codes_of_logs(check(excerpt, version, as_peer=True))
    expected = {
        f"{row['folder']}/{row['log']}": (row["verdict"], row["errors"], row["warnings"])
        for row in rows(shared, f"cross-6.0-by-{version}")
    }
    assert found == expected
