"""The journal: what was played is found again, and a line that was cut off is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UsageError
from sim.evaluate.journal import Journal
from sim.evaluate.unit import Played, Seen

ONE = [Played((Seen("up", 0, 0.1 + 0.2, 123456789, 17853984, 28),), 149, 0, 3), Played((), 1, 2, 0, "HardFault")]


def test_what_is_put_is_found_again_exactly(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "j.jsonl"
    journal = Journal(path)
    assert journal.get("a") is None
    journal.put("a", ONE)
    journal.close(done=False)
    again = Journal(path)
    assert again.get("a") == ONE
    assert again.get("b") is None
    again.close(done=True)
    assert not path.exists()


def test_a_line_that_was_cut_off_is_as_if_it_were_not(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    first = Journal(path)
    first.put("a", ONE)
    first.put("b", ONE)
    first.close(done=False)
    path.write_bytes(path.read_bytes()[:-30])
    second = Journal(path)
    assert (second.get("a"), second.get("b")) == (ONE, None)
    second.put("c", ONE)
    second.close(done=False)
    third = Journal(path)
    assert (third.get("a"), third.get("b"), third.get("c")) == (ONE, None, ONE)
    third.close(done=True)


def test_two_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    one, two = Journal(path), Journal(path)
    one.put("a", ONE)
    two.put("b", ONE[:1])
    one.put("c", ONE)
    one.close(done=False)
    two.close(done=False)
    found = Journal(path)
    assert [found.get(k) for k in "abc"] == [ONE, ONE[:1], ONE]
    found.close(done=True)


def test_a_file_that_is_no_journal_is_left_alone_but_for_what_is_added(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    journal = Journal(path)
    journal.put("a", ONE)
    journal.close(done=False)
    assert path.read_text().startswith("my notes\n")
    again = Journal(path)
    assert again.get("a") == ONE
    again.close(done=False)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        Journal(tmp_path / "file" / "j.jsonl")
