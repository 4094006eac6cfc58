"""Result files are complete or not there; what could not be written is told beforehand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sim.errors import UsageError
from sim.files import check_writable, replaced


def test_a_file_appears_whole_with_usual_rights(tmp_path: Path) -> None:
    path = tmp_path / "y"
    with replaced(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    with replaced(path) as file:
        file.write(b"again")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"again", 0o600)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_when_writing_fails_all_is_as_it_was(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "y"
    path.write_bytes(b"old")
    expected = UsageError if isinstance(error, OSError) else type(error)

    def write() -> None:
        with replaced(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(expected):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with replaced(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with replaced(tmp_path / "pipe") as file:
        file.write(b"through")
    assert os.read(reader, 99) == b"through"
    os.close(reader)


def test_told_beforehand(tmp_path: Path) -> None:
    check_writable(None)
    check_writable(tmp_path / "y")
    with pytest.raises(UsageError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        check_writable(tmp_path / "no" / "y")
    assert list(tmp_path.iterdir()) == []
    if os.geteuid():
        tmp_path.chmod(0o500)
        with pytest.raises(UsageError, match="no permission"):
            check_writable(tmp_path / "y")
