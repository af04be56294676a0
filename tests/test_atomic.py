"""Files that are written as a whole: what stays of the file that was there before."""

import os

import pytest

from mlperf_training_import.atomic import write_atomically, write_if_different


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_the_mode_of_a_file_that_is_rewritten_stays(tmp_path, mode):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(mode)
    assert write_if_different(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", mode)


def test_a_new_file_has_the_mode_that_the_user_has_chosen(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_what_a_link_lets_everybody_do_is_not_taken_over(tmp_path):
    (tmp_path / "file").symlink_to("elsewhere")
    write_atomically(tmp_path / "file", b"new")
    assert not (tmp_path / "file").is_symlink()
    assert not (tmp_path / "file").stat().st_mode & 0o002


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_of_a_file_that_is_rewritten_stays(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    os.chown(file, 12345, 54321)
    write_atomically(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)


def test_what_holds_secrets_is_never_open_to_others(tmp_path, monkeypatch):
    """Neither is the temporary file that becomes it."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o600)
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda one, other: (seen.append(one.stat().st_mode & 0o777), replace(one, other)))
    write_atomically(file, b"new")
    assert seen == [0o600]
