"""The log: bytes, lines with the time of their first byte, finding without eating."""

from __future__ import annotations

import random
import re
import time

import pytest

from sim.console import ConsoleLog


def test_lines_have_the_time_of_their_first_byte() -> None:
    log = ConsoleLog()
    log.add(b"ab", [10, 20])
    log.add(b"c\nd\r\n\n", [30, 40, 50, 60, 70, 80])
    log.add(b"e", [90])
    assert [(line.text, line.time_ps, line.complete) for line in log.lines] == [
        ("abc", 10, True),
        ("d", 50, True),
        ("", 80, True),
        ("e", 90, False),
    ]
    assert log.line_count == 4


def test_the_last_mark_stands_for_bytes_beyond_it() -> None:
    log = ConsoleLog()
    log.add(b"a\nb\nc\n", [5], lambda mark: mark * 100)
    assert [line.time_ps for line in log.lines] == [500, 500, 500]


def test_time_is_asked_for_line_starts_only() -> None:
    asked: list[int] = []

    def time_of(mark: int) -> int:
        asked.append(mark)
        return mark

    log = ConsoleLog()
    log.add(b"x" * 1000 + b"\ny", list(range(1002)), time_of)
    assert asked == [0, 1001]


def test_an_empty_log() -> None:
    log = ConsoleLog()
    assert log.lines == []
    assert log.tail() == []
    assert log.last_line == ""
    assert log.text == ""
    assert log.find("x") is None


@pytest.mark.parametrize("seed", range(20))
def test_pieces_do_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    data = "".join(rng.choice(["a", "\n", "\r\n", "€", "\r", "z"]) for _ in range(60)).encode() + b"\xff\xe2"
    whole, split = ConsoleLog(), ConsoleLog()
    whole.add(data, list(range(len(data))))
    at = 0
    while at < len(data):
        n = rng.randint(1, 7)
        split.add(data[at : at + n], list(range(at, at + len(data[at : at + n]))))
        at += n
    assert split.raw == whole.raw == data
    assert split.lines == whole.lines
    assert split.text == whole.text
    assert b"".join(line.text.encode() for line in whole.lines if line.complete).count(b"\n") == 0


def test_find_moves_a_mark_and_eats_nothing() -> None:
    log = ConsoleLog()
    log.add(b"one two one three", [0])
    assert log.find("one") is not None
    found = log.find("one")
    assert found is not None
    assert found.start() == 8
    assert log.find("one") is None
    assert log.find("two") is None  # before the mark
    assert log.text == "one two one three"


def test_find_takes_text_literally_and_patterns_as_such() -> None:
    log = ConsoleLog()
    log.add(b"a.b (1) a+b 42\r\n", [0])
    assert log.find("a.b (1)") is not None
    found = log.find(re.compile(r"(\d+)\n"))
    assert found is not None
    assert found[1] == "42"


def test_find_sees_what_comes_in_pieces() -> None:
    log = ConsoleLog()
    text = "the answer is 42€"
    data = text.encode()
    for i in range(len(data)):
        assert log.find(text) is None
        log.add(data[i : i + 1], [i])
    assert log.find(text) is not None


def test_another_text_is_looked_for_from_the_mark() -> None:
    log = ConsoleLog()
    log.add(b"alpha beta", [0])
    assert log.find("gamma") is None
    assert log.find("alpha") is not None
    assert log.find("beta") is not None


def test_an_empty_match_makes_progress() -> None:
    log = ConsoleLog()
    log.add(b"ab", [0])
    ends = []
    for _ in range(4):
        found = log.find(re.compile("x*"))
        if found:
            ends.append(found.end())
    assert ends[:3] == [0, 1, 2]


def test_the_tail_of_a_long_log_is_quick() -> None:
    log = ConsoleLog()
    log.add(b"line\n" * 200_000, [0])
    begun = time.perf_counter()
    for _ in range(100):
        assert len(log.tail(8)) == 8
        assert log.last_line == "line"
    assert time.perf_counter() - begun < 1
