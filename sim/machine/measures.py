"""A machine that measures: runs of functions, trees of calls, executed code."""

from __future__ import annotations

from collections.abc import Callable

from sim.clock import cycle_model
from sim.durations import picoseconds, shown
from sim.engines.protocol import Arm, CallNode, CodeBlock, RegionRun
from sim.errors import UsageError
from sim.given import whole
from sim.machine.base import MachineBase
from sim.machine.failing import NotSeen
from sim.machine.functions import function_meant
from sim.machine.measuring import Measurement, Spread, spread_of_cycles
from sim.machine.tracing import backtrace


class MeasuringMachine(MachineBase):
    """Counts what happens between a function's entry and its return."""

    def measure(self, region: str | int, runs: int = 1, within: float | str = "60 s") -> Measurement:
        """Instructions and cycles of the next `runs` runs of a function, entry to return. `"invoke"`: TFLM's Invoke().

        Raises UsageError for an unknown function, NotSeen when it does not run often enough.
        """
        runs = whole(runs, f"measure({region!r}, runs={runs!r})", 1)
        picoseconds(within)
        symbol = self.region_symbol(region)
        name = self.elf.shown(region if isinstance(region, str) else symbol)
        if symbol in self._runner.on_call:
            raise UsageError(f"{name!r} is replaced or waited for: it cannot be measured", hint="remove() ends that")
        first = self.instructions  # a run that is under way now is not one of them
        awaited = f"{runs} run{'s' * (runs > 1)} of {name!r}"
        self._regions.arm(symbol)
        try:
            self._runner.run_until(lambda: len(self._regions.runs(symbol, first)) >= runs, within, awaited)
        except NotSeen:
            if any(frame.function == self.elf.shown(symbol) for frame in backtrace(self._runner)):
                text = f"{name!r} runs and has not returned within {shown(picoseconds(within))} of board time"
                raise self._runner.failed(text, awaited=awaited, kind=NotSeen) from None
            raise
        finally:
            self._regions.disarm(symbol)
        measured = self._measurement(name, self._regions.runs(symbol, first)[:runs])
        self.measurements.append(measured)
        return measured

    def keep_region(self, region: str) -> None:
        """Measure every run of a function from now on, without waiting for it; see `region_measured`."""
        self._regions.keep(self.region_symbol(region))

    def region_measured(self, region: str) -> Measurement | None:
        """All runs so far of a function that is measured with `keep_region`; None: there were none."""
        runs = self._regions.runs(self.region_symbol(region))
        return self._measurement(region, runs) if runs else None

    def _measurement(self, region: str, runs: list[RegionRun]) -> Measurement:
        timing = self.board.timing
        return Measurement(
            region=region,
            runs=len(runs),
            instructions=Spread.of([run.end - run.start for run in runs]),
            cycles=spread_of_cycles(runs),
            model=cycle_model(timing),
            validated=timing is not None and timing.validated,
            engine=self.engine_text,
            firmware_sha256=self.elf.sha256,
            info=dict(self.port.info),
        )

    def arm(self, symbol: str, what: Arm) -> None:
        """Change what happens at a function (see `sim.engines.protocol.Arm`)."""
        self._session.arm(self.region_symbol(symbol), what)

    def on_call(self, function: str, call: Callable[[], None]) -> None:
        """Call `call()` at the first instruction of every call of a function; the machine stands still meanwhile."""
        symbol = self.region_symbol(function)
        if not callable(call):
            raise UsageError(f"on_call({function!r}, {call!r}): a function of Python goes there")
        self._runner.on_call[symbol] = call
        self._session.arm(symbol, Arm(stop=True))

    def new_runs(self, symbol: str) -> list[RegionRun]:
        """Runs of an armed region that ended since the last call."""
        return self._regions.new(symbol)

    def calls(self) -> list[CallNode]:
        """The tree of calls that `watch` asked for (see `sim.engines.protocol.Watch`)."""
        return self._session.calls()

    def code(self) -> list[CodeBlock]:
        """The executed code that `watch` asked for."""
        return self._session.code()

    def region_runs(self, symbol: str) -> list[RegionRun]:
        """All runs so far of an armed region, in the order in which they ended."""
        return self._regions.runs(symbol)

    def region_symbol(self, region: str | int) -> str:
        """The function that a name stands for: itself, `boardless_<name>`, or one of C++; or that at an address.

        Raises UsageError, also for one that has no symbol.
        """
        symbol = function_meant(self.elf, region, self.layout).name
        if symbol not in self.elf.functions:
            raise UsageError(
                f"{symbol} has no name: only functions with a symbol can be measured or waited for",
                hint='objcopy --add-symbol gives an ELF one; from_binary(symbols={"name": address}) a dump',
            )
        return symbol
