"""A machine that runs: for a time, to an event, to a decision, to its end."""

from __future__ import annotations

from collections.abc import Callable

from sim.decision import Decision
from sim.durations import picoseconds
from sim.engines.protocol import Arm
from sim.errors import UsageError
from sim.machine.base import MachineBase
from sim.machine.deadlines import Deadlines, deadlines_of
from sim.machine.functions import function_meant

_BOOT_WITHIN = "10 s"


class RunningMachine(MachineBase):
    """Lets the firmware run, and tells what it decided."""

    def run(self, duration: float | str) -> None:
        """Run for that much board time."""
        self._runner.advance(self.time_ps + picoseconds(duration), lambda: False)

    def run_until_ready(self) -> None:
        """Run to the call of bl_ready(), or to the first request that waits; firmware without the port: nothing."""
        if not self._runner.has_port:
            return
        self._runner.run_until(
            lambda: self.port.ready or self._runner.waits or self.port.exit_code is not None,
            _BOOT_WITHIN,
            "the firmware to be ready (bl_ready or a first request)",
        )

    def run_until(self, seen: Callable[[], bool], within: float | str, awaited: str) -> None:
        """Run until `seen()`, which is asked at every stop; raises NotSeen, naming what was `awaited`."""
        self._runner.run_until(seen, within, awaited)

    def run_to_exit(self, within: float | str = 60.0, each: Callable[[], None] | None = None) -> int:
        """Run until the firmware calls bl_exit(); returns its code. `each` is called at every stop on the way."""

        def ended() -> bool:
            if each is not None:
                each()
            return self.port.exit_code is not None

        self._runner.run_until(ended, within, "the firmware to end its run (bl_exit)")
        assert self.port.exit_code is not None
        return self.port.exit_code

    def run_to_end(self, within: float | str = "1 h") -> None:
        """Run until the firmware has taken all that is played to its sensors."""

        playing = [c for c in self._runner.sensors.values() if c.statistics().stimulus]
        if not playing:
            raise UsageError("nothing is played to any sensor", hint="machine.imu.play(recording) first")
        self._runner.run_until(lambda: not any(c.pending() for c in playing), within, "the stimulus to be taken")

    def run_to(self, function: str, within: float | str = "10 s") -> None:
        """Run to the next call of a function: the machine stands still in front of its first instruction."""
        picoseconds(within)
        symbol = function_meant(self._runner.elf, function, self.layout).name
        if symbol not in self._runner.elf.functions:
            raise UsageError(f"{symbol} has no name: only functions with a symbol can be run to")
        if symbol in self._runner.on_call or symbol in self._runner.stops:
            raise UsageError(f"{function!r} cannot be run to: the machine stops there for something else")
        came: list[bool] = []
        self._runner.on_call[symbol] = lambda: came.append(True)
        self._session.arm(symbol, Arm(stop=True))
        try:
            self._runner.run_until(lambda: bool(came), within, f"a call of {function}()")
        finally:
            self._session.arm(symbol, Arm())
            del self._runner.on_call[symbol]

    def wait_for_decision(self, label: str | None = None, within: float | str = "10 s") -> Decision:
        """The next decision (with that label) after the last one waited for; raises NotSeen after `within`."""
        at = self._seen_decisions
        found: Decision | None = None

        def seen() -> bool:
            nonlocal at, found
            while found is None and at < len(self.port.decisions):
                decision = self.port.decisions[at]
                at += 1
                if label is None or decision.label == label:
                    found = decision
            return found is not None

        self._runner.run_until(seen, within, f"a decision {label!r}" if label is not None else "a decision")
        assert found is not None
        self._seen_decisions = at
        return found

    @property
    def deadlines(self) -> Deadlines:
        """Period, worst latency, jitter and misses of each sensor's stream so far; see `sim.machine.deadlines`."""
        return deadlines_of(self.port.streams)

    @property
    def decisions(self) -> list[Decision]:
        """All decisions so far, oldest first."""
        return self.port.decisions
