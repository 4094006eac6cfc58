"""What `boardless demo` makes of latencies that are not known: those of a bus build, and of what was missed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli.demo import _described
from sim.demo.shown import Item, Use, longest
from sim.report import json_out


def use(*latencies: float) -> Use:
    items = tuple(Item(f"r{i}", "a", "a", 1.0, s, (), (0.0,)) for i, s in enumerate(latencies))
    return Use("gesture", "which", items, 1234, "counted", "0" * 64)


def test_what_is_not_known_is_null_in_json_and_not_said(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    bus = use(math.nan, math.nan)
    assert "ms" not in bus.summary
    assert "nan" not in bus.summary
    engine = {"name": "renode", "version": "1.15.3", "machine": "x"}
    tflm = {"tree": "t", "generation": "2020", "kernels": "reference"}
    data = {"board": "b", "engine": engine, "tflm": tflm, "uses": [_described(bus, Path("p.svg"))]}
    json_out.write("demo", data, str(tmp_path / "d.json"))
    back = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    jsonschema.validate(back, json_out.schema("demo"))
    assert [item["latency"] for item in back["uses"][0]["items"]] == [None, None]
    assert [item["latency"] for item in _described(use(0.25), Path("p"))["items"]] == [0.25]


def test_the_longest_latency_does_not_depend_on_the_order() -> None:
    some = use(math.nan, 0.002, 0.001)
    assert some.latency == 0.002
    assert replace(some, items=some.items[::-1]).latency == 0.002
    assert "at most 2.00 ms" in some.summary
    assert math.isnan(longest([]))
