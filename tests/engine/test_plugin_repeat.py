"""A run is a value: alone, twenty times, and under `pytest -n 4` a test gives the same, to the picosecond."""

from __future__ import annotations

import json
import os

import pytest
from bench import bench_elf

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")

TEST = """
import json, pathlib, pytest
pytestmark = pytest.mark.firmware("bench.elf")

@pytest.mark.parametrize("n", range(20))
def test_it(machine, recording, n):
    machine.imu.play(recording("walking_03"))
    use = machine.measure("invoke", runs=5)
    machine.console.expect("tick 007", within="2 s")
    at_tick = machine.time_ps, machine.instructions
    machine.run_to_end()
    got = {
        "decisions": [(d.label, d.index, d.score, d.time, d.latency, dict(d.samples)) for d in machine.decisions],
        "invoke": vars(use.instructions), "at_tick": at_tick, "end": [machine.time_ps, machine.instructions],
        "lines": [(line.time_ps, line.text) for line in machine.console.lines],
    }
    (pathlib.Path(__file__).parent / f"run_{n}.json").write_text(json.dumps(got, sort_keys=True))
"""


@pytest.mark.slow
def test_twenty_times_the_same(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    bench_elf(pytester.path)
    pytester.makepyfile(TEST)
    runs = set()
    for options in ((), ("-n", "4")):
        pytester.runpytest("-q", *options).assert_outcomes(passed=20)
        runs |= {path.read_text() for path in pytester.path.glob("run_*.json")}
        assert len(list(pytester.path.glob("run_*.json"))) == 20
    assert len(runs) == 1
    run = json.loads(runs.pop())
    assert len(run["decisions"]) == 1190 // 16
    assert run["invoke"]["min"] > 500
