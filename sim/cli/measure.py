"""`boardless measure`: instructions, cycles and memory of a region of an app, an image or a model."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import add_target_arguments, check_outputs, progress, settings_of
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.machine import Machine, Measurement
    from sim.target import Target
    from sim.tensors_io import Array

_LIBRARIES = 6  # shown
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="APP|ELF|MODEL", help="app (name or folder), finished ELF, or .tflite")
    add_target_arguments(parser)
    parser.add_argument("--region", "-r", default="invoke", metavar="FUNCTION",
                        help="function, or its address, to measure: entry to return (default: invoke)")  # fmt: skip
    parser.add_argument("--runs", "-n", type=int, default=10, help="runs of it to measure (default: 10)")
    parser.add_argument("--within", default="60 s", metavar="TIME", help="board time for that (default: 60 s)")
    parser.add_argument("--load", metavar="ADDRESS", help="the image is a bare dump of flash that lies there")
    parser.add_argument("--model", type=Path, metavar="M.tflite", help="model of the app (default: its own)")
    parser.add_argument("--inputs", "-i", type=Path, metavar="X.npy", help="for a MODEL: its inputs (default: zeros)")
    parser.add_argument("--play", metavar="FILE", help="recording to play: a file, or the name of a shipped one")
    parser.add_argument("--sensor", metavar="SLOT", help="where to play it (default: the sensor that it fits)")
    parser.add_argument("--check-stack", action="store_true",
                        help="look at every store (slow): main and interrupts apart, overflow at once")  # fmt: skip
    parser.add_argument("--json", metavar="M.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.cli.run import firmware_of, fitting
    from sim.report import json_out
    from sim.sensors.find import find_recording
    from sim.sensors.recording import Recording
    from sim.target import Target

    if args.runs < 1:
        raise UsageError(f"--runs {args.runs}: at least 1")
    target = Target.of(settings_of(args))
    check_outputs(args.json)
    recording = Recording.load(find_recording(args.play)) if args.play else None
    rows: list[Array] | None = None
    if Path(args.what).suffix == ".tflite":
        firmware, rows = _model(args, target)
    elif args.inputs:
        raise UsageError("--inputs is for a .tflite", hint="an app takes its input from sensors: --play")
    else:
        firmware = firmware_of(args.what, args.model, target, args.load)
    with target.started(firmware.elf, check_stack=args.check_stack) as machine:
        machine.memory.arena_smallest = firmware.arena_smallest
        machine.run_until_ready()
        if rows is not None:
            _feed(machine, rows)
        if recording is not None:
            machine.sensor(args.sensor or fitting(machine, recording)).play(recording)
        region = int(args.region, 16) if _ADDRESS.fullmatch(args.region) else args.region
        measured = machine.measure(region, args.runs, within=args.within)
        result = _result(machine, measured, firmware, target)
    if args.json:
        json_out.write("measure", result, args.json)
    if args.json != "-":
        print(_text(result, target))
    return 0


def _model(args: argparse.Namespace, target: Target) -> tuple[Firmware, list[Array]]:
    from sim.inference import input_rows, zero_rows
    from sim.model import Model
    from sim.tensors_io import load_inputs

    if args.play or args.model:
        raise UsageError("--play and --model are for an app", hint="a .tflite takes --inputs")
    if args.load is not None:
        raise UsageError("--load is for a bare dump of flash", hint="a .tflite is built into an image")
    model = Model.load(Path(args.what))
    arrays = zero_rows(model) if args.inputs is None else load_inputs(args.inputs, model.inputs)
    return target.build("invoke", model, progress=progress), input_rows(model, arrays)


def _feed(machine: Machine, rows: list[Array]) -> None:
    """The rows again and again, for as many runs as are measured."""
    given = [0] * len(rows)

    def next_input(slot: int, _capacity: int) -> bytes | None:
        if slot >= len(rows):
            return None
        array = rows[slot][given[slot] % len(rows[slot])]
        given[slot] += 1
        data: bytes = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return data

    machine.port.inputs = next_input
    machine.port.on_output = lambda slot, data: None


def _result(machine: Machine, measured: Measurement, firmware: Firmware, target: Target) -> dict[str, Any]:
    from sim.machine import described_cycles

    described = target.described() if firmware.tree is not None else target.described_without_tree()
    return {
        **described,
        "engine": {
            "name": target.engine.name,
            "version": target.engine.version(),
            "machine": machine.layout.machine,
        },
        "firmware_sha256": firmware.sha256,
        **({"relinked": machine.elf.relinked} if machine.elf.relinked else {}),
        "region": measured.region,
        "runs": measured.runs,
        "instructions": dict(vars(measured.instructions)),
        "cycles": described_cycles(measured.cycles, target.board.timing),
        "cycle_model": measured.model,
        "memory": machine.memory.as_json(),
    }


def _text(result: dict[str, Any], target: Target) -> str:
    memory, board = result["memory"], target.board
    stack, heap, arena = memory["stack"], memory["heap"], memory["arena"]
    rows = [("instructions", _spread(result["instructions"]))]
    if result["cycles"] is not None:
        rows.append(("cycles", f"{_spread(result['cycles'])} ({result['cycle_model']})"))
    else:
        rows.append(("cycles", f"unknown: the {board.core} has no timing model"))
    rows += [
        ("flash", f"{memory['flash']:,} of {board.flash.size:,} bytes"),
        ("RAM", f"static {memory['ram_static']:,}; nothing lies in {memory['ram_left']:,} of {board.ram.size:,}"),
        ("stack", _of(stack["peak"], stack["reserved"], "peak") + _apart(stack)),
    ]
    if heap is not None:
        rows.append(("heap", _of(heap["peak"], heap["reserved"], "peak")))
    if arena["reserved"] is not None:
        smallest = "" if arena["smallest"] is None else f", smallest that runs {arena['smallest']:,}"
        rows.append(("arena", _of(arena["used"], arena["reserved"], "used") + smallest))
    if "relinked" in result:
        rows.append(("image", result["relinked"]))
    libraries = list(memory["libraries"]["flash"].items())
    if libraries:
        shown = ", ".join(f"{name} {size:,}" for name, size in libraries[:_LIBRARIES])
        rows.append(("flash is", shown))
    runs = result["runs"]
    first = (
        f"{result['region']} on {board.name} ({board.core}, {board.clock_hz / 1e6:g} MHz), {runs} run{'s' * (runs > 1)}"
    )
    return "\n".join([first, *(f"  {name:<13} {text}" for name, text in rows)])


def _spread(spread: dict[str, int]) -> str:
    return f"{spread['min']:,} / {spread['median']:,} / {spread['max']:,} (min, median, max)"


def _apart(stack: dict[str, Any]) -> str:
    if stack["peak"] is None:
        return f" ({stack['why']})"
    apart = stack["main"] is not None
    return f": main {stack['main']:,}, interrupts {stack['interrupts']:,}" if apart else ""


def _of(value: int | None, reserved: int | None, what: str) -> str:
    known = f"{what} not known" if value is None else f"{what} {value:,}"
    return known if reserved is None else f"{known} of {reserved:,} bytes"
