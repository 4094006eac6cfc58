"""How a firmware has failed, and what a failure shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.durations import PS
from sim.engines.protocol import Stop, StopKind
from sim.errors import FirmwareFailure
from sim.failure import faults
from sim.failure.evidence import Evidence
from sim.failure.report import Report
from sim.machine.start import ENDINGS
from sim.vectors import exception_name, is_endless

if TYPE_CHECKING:
    from sim.machine.runner import Runner

_LOOP = 32  # bytes of code: a loop this small does nothing but wait
_ASK = 50_000_000  # cycles between two looks at the registers of a core in such a loop


class NotSeen(FirmwareFailure, AssertionError):
    """What a test waited for did not come in time."""

    __module__ = "sim.machine"  # where users have it from; pytest shows it


class Verdicts:
    """Judges the stops that nobody asked for, and keeps how the firmware has failed."""

    def __init__(self, runner: Runner, handlers: frozenset[str], *, on_fault: str, log: Path | None) -> None:
        self._runner, self._handlers, self._on_fault, self._log_file = runner, handlers, on_fault, log
        self.failure: FirmwareFailure | None = None  # how it has failed, unless the machine could go on after it
        self._looked_at = (0, 0)  # pc and console bytes at the end of the last slice
        self._loop_asked = 0  # cycles when the registers were last looked at for that

    def start_again(self) -> None:
        """The board was off."""
        self._looked_at, self._loop_asked = (0, 0), 0

    def unexpected(self, stop: Stop, awaited: str) -> None:
        """A stop that nobody asked for: a failure, or an exception that the firmware may have."""
        runner = self._runner
        if stop.kind is StopKind.SYMBOL and stop.symbol in self._handlers:
            registers = runner.session.registers()
            number = registers.get("xpsr", 0) & 0x1FF
            if number in faults.FAULTS:
                evidence = Evidence.of_fault(runner, number, registers)
                raise self.failed(evidence.reason, awaited=awaited, evidence=evidence)
            if is_endless(runner.elf, stop.pc):
                what = f"{exception_name(number)} went to" if number else "the firmware called"
                raise self.failed(f"{what} {stop.symbol}, which is an endless loop", awaited=awaited)
            return
        if stop.kind is StopKind.STACK and self._on_fault == "run" and not self._runner.checks_stack:
            return  # what comes of it is the firmware's: on hardware nothing looks at the stack pointer either
        if stop.symbol in ENDINGS:
            evidence = Evidence.of_call(runner, stop.pc)
            raise self.failed(ENDINGS[stop.symbol], awaited=awaited, evidence=evidence)
        raise self.failed(stop.detail or f"stopped at {stop.symbol}", awaited=awaited)

    def look_at_loop(self, stop: Stop, awaited: str) -> None:
        """At the end of a slice: a core that has stayed in one small loop may have ended without a stop.

        TFLM logs HALTED and loops for ever; a fault may have gone to a handler that no table or name told of.
        """
        runner = self._runner
        before, self._looked_at = self._looked_at, (stop.pc, len(runner.log.raw))
        if abs(before[0] - stop.pc) > _LOOP or before[1] != self._looked_at[1]:
            return
        if runner.log.last_line == "HALTED":
            raise self.failed("the firmware has halted: it logged HALTED and loops for ever", awaited=awaited)
        if self._on_fault != "stop" or runner.cycles - self._loop_asked < _ASK:
            return
        self._loop_asked = runner.cycles
        registers = runner.session.registers()
        number = registers.get("xpsr", 0) & 0x1FF
        if number in faults.FAULTS:
            evidence = Evidence.in_handler(runner, number, registers)
            raise self.failed(evidence.reason, awaited=awaited, evidence=evidence)

    def failed(
        self,
        reason: str,
        *,
        awaited: str = "",
        evidence: Evidence | None = None,
        kind: type[FirmwareFailure] = FirmwareFailure,
    ) -> FirmwareFailure:
        """The failure to raise, with the state of the machine as evidence."""
        report = self.report(awaited, evidence)
        failure = kind(reason, str(report))
        if kind is not NotSeen:  # the machine can go on after something did not come
            self.failure = failure
        return failure

    def report(self, awaited: str = "", evidence: Evidence | None = None) -> Report:
        """The state of the machine as failures show it; the full log is written, if it was given a file."""
        runner = self._runner
        evidence = evidence or Evidence.of_state(runner)
        return Report(
            awaited=awaited,
            time_ps=runner.time_ps,
            instructions=runner.instructions,
            time_base=runner.time_base,
            board=runner.board.name,
            engine=runner.engine_text,
            firmware=", ".join(filter(None, (f"{runner.elf.path.name} {runner.elf.sha256[:12]}", runner.elf.relinked))),
            console=runner.log.tail(),
            decisions=[str(d) for d in runner.port.decisions[-4:]],
            sensors=[str(c.statistics()) for c in runner.sensors.values() if c.opened or c.statistics().stimulus],
            registers=evidence.registers,
            fault=evidence.lines,
            backtrace=evidence.backtrace,
            log=self._write_log(),
        )

    def _write_log(self) -> str:
        runner = self._runner
        if self._log_file is None:
            return ""
        events = [(line.time_ps, f"{line}") for line in runner.log.lines]
        events += [(round(d.time * PS), f"[{d.time:.6f} s] decision {d.described}") for d in runner.port.decisions]
        events.sort(key=lambda e: e[0])
        try:
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            self._log_file.write_text("".join(f"{text}\n" for _, text in events), encoding="utf-8")
        except OSError as error:  # the evidence matters more than its copy
            return f"{self._log_file}: cannot be written: {error.strerror}"
        return str(self._log_file)
