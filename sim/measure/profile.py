"""Profile of a model on a board: what each operator, the interpreter and each function took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.engines.protocol import CALLS, Arm, CallNode, CodeBlock, RegionRun, Watch
from sim.errors import UsageError
from sim.inference import REGION, feed, input_rows, zero_rows
from sim.machine import Spread
from sim.measure.calls import FunctionUse, function_table
from sim.measure.operators import Counted, operator_functions, total, within
from sim.model import Model
from sim.settings import Settings
from sim.target import Target
from sim.timing import TimingProfile

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.tensors_io import Array


@dataclass(frozen=True)
class OperatorUse:
    """One operator of the model: figures of the inference that is shown, spread over all of them."""

    index: int
    kind: str
    layer: str
    macs: int
    counted: Counted
    instructions: Spread


@dataclass(frozen=True, eq=False)
class Profile:
    """One inference (that of median length, number `shown`), operator by operator; `nodes` is of all inferences.

    The instructions of all operators and the interpreter together are exactly those of the inference.
    """

    model: Model
    firmware: Firmware
    target: Target
    runs: int
    shown: int
    invoke: Counted
    instructions: Spread
    operators: tuple[OperatorUse, ...]
    timing: TimingProfile | None
    nodes: tuple[CallNode, ...]
    code: tuple[CodeBlock, ...]

    @property
    def interpreter(self) -> Counted:
        """What is in no operator: TFLM's own loop."""
        return self.invoke - total([o.counted for o in self.operators])

    @property
    def functions(self) -> list[FunctionUse]:
        """Over all inferences, most of its own instructions first."""
        return function_table(self.nodes)

    @property
    def layers(self) -> list[str]:
        """What each operator is called in stacks."""
        return [f"{o.index} {o.kind} {o.layer}".strip() for o in self.operators]

    def share(self, part: Counted) -> float:
        """0..1 of the inference, in cycles where they are known."""
        if part.cycles is not None and self.invoke.cycles:
            return part.cycles / self.invoke.cycles
        return part.instructions / self.invoke.instructions

    def as_json(self) -> dict[str, Any]:
        """As `schemas/profile.json` has it."""
        with_cycles = self.invoke.cycles is not None
        return {
            **self.target.described(),
            "model_sha256": self.model.sha256,
            "firmware_sha256": self.firmware.sha256,
            "runs": self.runs,
            "shown": self.shown,
            "instructions": {**vars(self.instructions), "shown": self.invoke.instructions},
            "cycles": self.invoke.cycles,
            "stalls": self.invoke.as_json()["stalls"],
            "cycle_model": self.timing.name if self.timing else None,
            "validated": self.timing.validated if self.timing else None,
            "operators": [
                {
                    "index": o.index,
                    "kind": o.kind,
                    "layer": o.layer,
                    "macs": o.macs,
                    **o.counted.as_json(),
                    "instructions_min": o.instructions.min,
                    "instructions_max": o.instructions.max,
                    **self.per_mac(o),
                    "share": self.share(o.counted),
                }
                for o in self.operators
            ],
            "interpreter": {**self.interpreter.as_json(), "share": self.share(self.interpreter)},
            "functions": [
                {
                    "function": f.name,
                    "symbol": f.symbol,
                    "calls": f.calls,
                    "self": f.own,
                    "total": f.total,
                    "self_cycles": f.own_cycles if with_cycles else None,
                    "total_cycles": f.total_cycles if with_cycles else None,
                }
                for f in self.functions
            ],
        }

    @staticmethod
    def per_mac(o: OperatorUse) -> dict[str, float | None]:
        """Instructions and cycles per multiply-accumulate; None where there is none."""
        cycles = o.counted.cycles
        return {
            "instructions_per_mac": o.counted.instructions / o.macs if o.macs else None,
            "cycles_per_mac": cycles / o.macs if o.macs and cycles is not None else None,
        }


def profile(
    model: Model | Path | str,
    inputs: Array | Sequence[Array] | Mapping[str, Array] | None = None,
    *,
    board: str | None = None,
    settings: Settings | None = None,
    target: Target | None = None,
    code: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> Profile:
    """Where the instructions of an inference go. `inputs` as for `invoke`; None: one row of zeros.

    The image is the one that `invoke` runs, unchanged. `code`: note which code is executed, for LCOV.
    Raises UsageError for a model, input or engine that cannot be used, FirmwareFailure when the firmware fails.
    """
    if target is None:
        target = Target.of(settings or Settings.load({"board": board} if board else {}))
    loaded = model if isinstance(model, Model) else Model.load(model)
    if CALLS not in target.engine.capabilities:
        raise UsageError(f"engine {target.engine.name} cannot tell functions apart", hint="--engine qemu")
    prepared = input_rows(loaded, zero_rows(loaded) if inputs is None else inputs)
    firmware = target.build("invoke", loaded, progress=progress)
    with target.started(firmware.elf, watch=Watch(calls_of=REGION, code=code)) as machine:
        machine.run_until_ready()
        machine.port.inputs = feed(prepared)
        machine.port.on_output = lambda slot, data: None
        names = operator_functions(machine)
        for name in (REGION, *names):
            machine.arm(name, Arm(region=True))
        machine.run_to_exit(within="1000 h")
        invokes = machine.region_runs(REGION)
        runs = [run for name in names for run in machine.region_runs(name)]
        nodes, blocks = machine.calls(), machine.code() if code else []
    parts = [within(runs, outer) for outer in invokes]
    _check(loaded, parts)
    lengths = [run.end - run.start for run in invokes]
    shown = lengths.index(Spread.of(lengths).median)
    return Profile(
        model=loaded,
        firmware=firmware,
        target=target,
        runs=len(invokes),
        shown=shown,
        invoke=Counted.of(invokes[shown]),
        instructions=Spread.of(lengths),
        operators=tuple(_operator(loaded, i, parts, shown) for i in range(len(parts[shown]))),
        timing=_timing(target) if invokes[shown].end_cycles else None,
        nodes=tuple(nodes),
        code=tuple(blocks),
    )


def _timing(target: Target) -> TimingProfile | None:
    return target.board.timing or TimingProfile.of_core(target.board.core)


def _operator(model: Model, index: int, parts: Sequence[Sequence[RegionRun]], shown: int) -> OperatorUse:
    o = model.operators[index]
    spread = Spread.of([run[index].end - run[index].start for run in parts])
    return OperatorUse(index, o.kind, o.layer, o.macs, Counted.of(parts[shown][index]), spread)


def _check(model: Model, parts: Sequence[Sequence[RegionRun]]) -> None:
    for runs in parts:
        if len(runs) != len(model.operators):
            raise UsageError(
                f"{model.name} has {len(model.operators)} operators, but {len(runs)} ran in one inference: "
                "they cannot be told apart",
                hint="models with control flow (IF, WHILE, CALL_ONCE) cannot be profiled",
            )
