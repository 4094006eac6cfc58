"""Markdown and the page as text: complete, nothing from a network, and safe from what names contain."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_data import record, with_figure

from sim.report import svg
from sim.report.compare import compare, parse_limits
from sim.report.html import html
from sim.report.markdown import ROWS, markdown
from sim.report.record import Event, Share, Space
from sim.report.store import Run

NASTY = "tests/t.py::test_it[<script>alert(1)</script>-a|b-`c`-*d*-\"'&]"
VOID = {"meta", "link", "wbr"}


class Page(HTMLParser):
    """Checks that tags are balanced; collects texts, attributes and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def comparison() -> tuple[Run, object]:
    before = Run((record(), record("tests/t.py::gone")), "main", "abc")
    now = with_figure(with_figure(record(), "cycles", value=900_000), "flash", how="measured")
    run = Run((now, record("tests/t.py::new")), commit="0123456789ab+")
    return run, compare(before, run, parse_limits("cycles:2%"))


def test_page_is_whole_and_by_itself() -> None:
    run, found = comparison()
    page = Page(html(run, found))  # type: ignore[arg-type]
    assert page.tags.count("details") == 2
    assert page.tags.count("svg") == 2 * 4  # timeline, operators, flash by part, memory
    assert "script" not in page.tags
    for name, value in page.attributes:
        assert name != "src"
        assert not name.startswith("on")
        if name == "href":
            assert value.startswith(("#", "data:"))
    assert not re.search(r"url\(|@import|https?:", html(run, found))  # type: ignore[arg-type]
    text = "".join(page.text)
    for said in ("tests/test_it.py::", "test_fits", "806,951", "+93,049 cycles (+11.53 %)", "allowed 2 %",
                 "how it was got: counted then, measured now", "not compared", "CONV_2D", "tfmicro 0.1.0",
                 "nothing measured it", "power.active_ma", "0123456789ab+", "running", "m/s²", "a1" * 32):  # fmt: skip
        assert said in text, said


def test_page_of_nothing() -> None:
    page = Page(html(Run(())))
    assert "No test of this run used a virtual board." in "".join(page.text)


def test_names_cannot_break_out_of_the_page() -> None:
    bad = record(NASTY, failure=NASTY, app="<b>", notes=("</style><script>",), outcome="failed")
    bad = replace(bad, decisions=(Event(1.0, "<i>&", 0.5, 0.1),), memory=(Space("<u>", 10, (Share("<s>", 5),)),))
    page = Page(html(Run((bad,), commit="<x>")))
    plain = Page(html(Run((record(outcome="failed"),))))
    assert set(page.tags) <= {*plain.tags, "pre", "code"}
    assert not {"script", "s", "x"} & set(page.tags)
    assert NASTY in "".join(page.text)


def test_names_cannot_break_a_table() -> None:
    run = Run((record(NASTY),))
    lines = [line for line in markdown(run).splitlines() if "test" in line and line.startswith("| ")]
    heads, row = lines
    unescaped = re.compile(r"(?<!\\)\|")
    assert len(unescaped.findall(heads)) == len(unescaped.findall(row))
    assert "<script>" not in markdown(run)


def test_markdown_against_a_stored_run() -> None:
    run, found = comparison()
    text = markdown(run, found)  # type: ignore[arg-type]
    assert "### boardless: 2 tests, 2 passed; arduino_nano_33_ble on qemu 7.2.22 (mps2-an386)" in text
    assert "Against `main` (abc): 1 figures changed" in text
    assert "**1 worse than allowed:**" in text
    assert "| cycles | 806,951 cycles | 900,000 cycles | :x: +93,049 cycles (+11.53 %) |" in text
    assert "1 figures were not compared: unlike" in text
    assert "1 new tests" in text
    assert "1 tests of the stored run were not run" in text
    assert text.count("<details>") == text.count("</details>") == 3


def test_markdown_of_a_thousand_tests_stays_short() -> None:
    before = Run(tuple(record(f"t{i}") for i in range(1000)), "main")
    now = Run(tuple(with_figure(record(f"t{i}"), "cycles", value=806_952 + i) for i in range(1000)))
    text = markdown(now, compare(before, now, parse_limits("cycles:0")))
    assert f"… and {1000 - ROWS} more." in text
    assert len(text) < 40_000
    assert len(markdown(now)) < 40_000


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3, 3, [-2, 0, 2]), (5, 5, [5])],
)
def test_ticks(low: float, high: float, expected: list[float]) -> None:
    assert svg.ticks(low, high) == expected


def test_ticks_of_anything_end() -> None:
    for low, high in ((1e-9, 2e-9), (0, 1e12), (-1e-300, 1e-300), (float("nan"), 1), (0, float("inf"))):
        assert len(svg.ticks(low, high)) <= 13


def test_plots_of_extremes() -> None:
    assert svg.timeline((), (), 10.0) == ""
    assert svg.operators(()) == ""
    assert svg.memory_map(()) == ""
    flat = replace(record().stimuli[0], values=((0.0,) * 100, (5.0,) * 100))
    for text in (
        svg.timeline((flat,), (), 10.0),
        svg.timeline((), (Event(0.0, "", 0.0, 0.0),), 0.5),
        svg.memory_map((Space("RAM", 100, (Share("too much", 5000),)),)),
    ):
        assert "nan" not in text
        assert "inf" not in text
        Page(text)
