"""What a test may give to the methods of a machine: anything else is one clear error, and the machine goes on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from native import native_elf, product

from sim.errors import UsageError
from sim.machine import Machine

NO_NUMBER = ("a", b"x", 1.5, math.nan, [1], object(), np.array([1, 2]), -1)
NO_PLACE = (b"x", None, 1.5, math.nan, [1], object(), np.array([1, 2]), -1, 1 << 32, True)
NO_TIME = ("a", b"x", math.nan, math.inf, [1], object(), np.array([1, 2]), -1, 1e300, True)
GIVEN: dict[str, tuple[Callable[[Machine, Any], object], tuple[Any, ...]]] = {
    "measure, region": (lambda m, v: m.measure(v), NO_PLACE),
    "measure, runs": (lambda m, v: m.measure("add4", runs=v), (*NO_NUMBER, 0, None, True)),
    "measure, within": (lambda m, v: m.measure("add4", within=v), NO_TIME),
    "keep_region": (lambda m, v: m.keep_region(v), NO_PLACE),
    "on_call": (lambda m, v: m.on_call("add4", v), (1, "a", None)),
    "call, function": (lambda m, v: m.call(v), NO_PLACE),
    "call, within": (lambda m, v: m.call("add4", 1, 1, 1, 1, within=v), NO_TIME),
    "call, at": (lambda m, v: m.call("add4", 1, 1, 1, 1, at=v), [v for v in NO_PLACE if v is not None]),
    "call, argument": (lambda m, v: m.call("add4", v, 1, 1, 1), ("a", b"x", 1.5, math.nan, [1], object(), 1 << 40)),
    "intercept, function": (lambda m, v: m.intercept(v, lambda call: 0), (*NO_PLACE, 0)),
    "intercept, replacement": (lambda m, v: m.intercept("add4", v), (1, "a", None)),
    "watch, where": (lambda m, v: m.watch(v), NO_PLACE),
    "watch, on": (lambda m, v: m.watch("g_state", on=v), ("a", b"x", None, [1], 1)),
    "watch, length": (lambda m, v: m.watch("g_state", length=v), (*NO_NUMBER, 0)),
    "watch, most": (lambda m, v: m.watch("g_state", most=v), (*NO_NUMBER, 0, None, 50_001)),
    "read, where": (lambda m, v: m.read(v), NO_PLACE),
    "read, length": (lambda m, v: m.read("g_state", v), NO_NUMBER),
    "read_int": (lambda m, v: m.read_int(v), NO_PLACE),
    "write, where": (lambda m, v: m.write(v, 1), NO_PLACE),
    "write, data": (lambda m, v: m.write("g_state", v), ("a", None, 1.5, math.nan, [1], np.array([1, 2]), 1 << 32)),
    "run": (lambda m, v: m.run(v), NO_TIME),
    "run_to, function": (lambda m, v: m.run_to(v), NO_PLACE),
    "run_to, within": (lambda m, v: m.run_to("add4", within=v), NO_TIME),
    "restart, ram": (lambda m, v: m.restart(v), ("a", b"x", 1, [1])),
    "restart, pause": (lambda m, v: m.restart(pause_ps=v), (*NO_NUMBER, None)),
    "sensor": (lambda m, v: m.sensor(v), (1, None, [1])),
    "expect": (lambda m, v: m.console.expect(v), (b"x", 1, None, re.compile(b"x"))),
    "expect, within": (lambda m, v: m.console.expect("x", within=v), NO_TIME),
    "prompt": (lambda m, v: m.console.prompt(v), (b"x", 1, None, "")),
    "send": (lambda m, v: m.console.send(v), (1, None, [1])),
    "send, baud": (lambda m, v: m.console.send("x", baud=v), (*NO_NUMBER, 0, None)),
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with product(native_elf(tmp_path_factory.mktemp("native"))) as machine:
        yield machine


@pytest.mark.parametrize("what", GIVEN)
def test_what_cannot_be_meant_is_one_error(machine: Machine, what: str) -> None:
    method, values = GIVEN[what]
    count = machine.instructions
    for value in values:
        with pytest.raises(UsageError):
            method(machine, value)
    assert machine.instructions == count, "nothing ran"
    assert machine.call("add4", 1, 1, 1, 1).value == 10, "the machine goes on"


def test_numbers_of_numpy_are_numbers(machine: Machine) -> None:
    address = np.uint32(machine.elf.symbols["g_state"].address)
    machine.write(address, np.int64(7))  # type: ignore[arg-type]
    assert machine.read(address, np.int64(4)) == b"\7\0\0\0"  # type: ignore[arg-type]
    with machine.watch(address, most=np.int64(5)) as watch:  # type: ignore[arg-type]
        machine.run(np.float32(0.001))
        assert len(watch.events) == 5
