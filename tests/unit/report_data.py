"""Records for the tests of reports: made up, but of the shape that a real run gives."""

from __future__ import annotations

import math
from dataclasses import replace

from sim.report.figure import Figure, Provenance
from sim.report.record import BudgetResult, Event, Operator, Record, Share, Space, Trace

ON_M4 = {"core": "cortex-m4", "fpu": "fpv4-sp-d16", "mve": "false"}
MODEL = {**ON_M4, "machine": "mps2-an386", "model": "1 cycle per instruction"}


def record(test: str = "tests/test_it.py::test_fits", **changes: object) -> Record:
    """A record with everything in it; `changes` replaces fields."""
    engine = "qemu 7.2.22 (mps2-an386)"
    detail = {"runs": 40, "min": 806_000, "median": 806_500}
    times = tuple(i / 10 for i in range(1, 101))
    whole = Record(
        test=test,
        outcome="passed",
        provenance=Provenance("arduino_nano_33_ble", "qemu", "7.2.22", "mps2-an386", "a1" * 32, 7),
        figures=(
            Figure("flash", 59_324, "B", "counted", "ELF: bytes that are loaded", ON_M4),
            Figure("ram_static", 1_912, "B", "counted", "ELF", ON_M4),
            Figure("instructions", 806_951, "instructions", "counted", engine, {**ON_M4, "machine": "m"}, detail),
            Figure("cycles", 806_951, "cycles", "modelled", f"{engine}; 1 cycle per instruction", MODEL, detail),
            Figure("latency", 0.0127, "s", "modelled", engine, MODEL),
            Figure("energy", 1.249e-4, "J", "estimated", "3 V, 3.3 mA", {**MODEL, "power": "3 V, 3.3 mA active"}),
            Figure("accuracy", 0.97, "ratio", "counted", "test"),
        ),
        app="gesture",
        tflm="tfmicro 0.1.0",
        model_sha256="b2" * 32,
        board_time=10.0,
        idle_time=9.4,
        time_base="1 cycle per instruction, at 64 MHz, plus waiting",
        decisions=tuple(
            Event(1.9 + i * 0.47, "running" if i < 9 else "walking", 0.7 + i / 99, 0.0127) for i in range(17)
        ),
        stimuli=(
            Trace("imu", "running_07", 0.0, 10.0, ("ax", "gx"), ("m/s^2", "deg/s"), times,
                  (tuple(9 * math.sin(t * 5) for t in times), tuple(300 * math.cos(t * 5) for t in times))),
        ),
        sensors=("imu: 1190 of 1190 samples of running_07, 0 values saturated, 0 samples lost, 0 at rest",),
        operators=(
            Operator(0, "CONV_2D", "conv1", 20_000, 500_000, 510_000),
            Operator(1, "MAX_POOL_2D", "pool", 0, 80_000, 90_000),
            Operator(2, "FULLY_CONNECTED", "dense<b>", 4_000, 150_000, 160_000),
        ),
        contributors={
            "flash": (Share("tflite::ParseOpData(Operator const*)", 8_132), Share("boardless_model_data", 6_216))
        },
        memory=(
            Space("flash", 1_048_576, (Share(".text", 57_000), Share(".data", 2_324))),
            Space("RAM", 262_144, (Share(".bss", 1_900), Share(".arena", 3_472), Share(".stack", 8_192))),
        ),
        budgets=(
            BudgetResult("flash", 262_144, 59_324, True, "boardless.toml [budgets]"),
            BudgetResult("cycles", 500_000, 806_951, False, "marker"),
            BudgetResult("stack", 4_096, None, False, "boardless.toml [budgets]", "nothing measured it"),
        ),
        unverified=("power.active_ma",),
        notes=("no timing model of its own",),
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def with_figure(old: Record, name: str, **changes: object) -> Record:
    """The record with one figure changed."""
    figures = tuple(replace(f, **changes) if f.name == name else f for f in old.figures)  # type: ignore[arg-type]
    return replace(old, figures=figures)
