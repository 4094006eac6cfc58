"""Machine: one running virtual board, as a test holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Board
from sim.elf import Elf
from sim.engines.protocol import Engine, Layout
from sim.errors import UsageError
from sim.given import whole
from sim.machine.measures import MeasuringMachine
from sim.machine.open import OpenMachine
from sim.machine.running import RunningMachine
from sim.machine.sensing import SensingMachine

if TYPE_CHECKING:
    from sim.faults import Faults
    from sim.firmware import Firmware


class Machine(RunningMachine, SensingMachine, MeasuringMachine, OpenMachine):
    """One virtual board with a firmware in it. Make it with `Machine.boot`; close it (or use `with`)."""

    @classmethod
    @contextmanager
    def boot(
        cls,
        elf: Elf | Path,
        board: Board,
        engine: Engine,
        *,
        layout: Layout | None = None,
        on_fault: str = "stop",
        log: Path | None = None,
    ) -> Iterator[Machine]:
        """Start and run until the firmware says it is ready (firmware without the port: until its first instruction).

        Raises UsageError for an image that does not fit the board, FirmwareFailure when it does not come up.
        """
        machine = cls.started(elf, board, engine, layout=layout, on_fault=on_fault, log=log)
        try:
            machine.run_until_ready()
            yield machine
        finally:
            machine.close()

    @cached_property
    def faults(self) -> Faults:
        """Faults on purpose: `machine.faults.dropout("imu", lasts="1 s")`; see docs/faults.md."""
        from sim.faults import Faults

        return Faults(self)

    def restart(self, ram: bytes | None = None, pause_ps: int = 0) -> None:
        """Power off, and on again after that board time (ps); RAM is as it was, or as given."""
        size = self.layout.ram.size
        if ram is not None and (not isinstance(ram, bytes | bytearray) or len(ram) != size):
            raise UsageError(
                f"restart(ram=...): all {size} bytes of RAM go there", hint="machine.read(address, length)"
            )
        pause_ps = whole(pause_ps, f"restart(pause_ps={pause_ps!r})", 0)
        self._runner.restart(ram, pause_ps)
        self._session = self._runner.session
        self._regions.go_on(self._session)
        self.memory.go_on(self._session, painted=ram is None)
        self._watches.go_on()

    def record(self) -> None:
        """Record from here on, before the firmware has opened a sensor; see docs/field.md. Raises UsageError."""
        from sim.field.capture import Capture

        if self.capture is None:
            self.capture = Capture(self._runner)

    def save_recording(self, path: Path | str, *, firmware: Firmware | None = None, seed: int | None = None) -> None:
        """Save the run so far as one file, which `boardless replay` runs again. Raises UsageError.

        `firmware`: to have in it what it was built from; `seed`: the test's own, if its input came from one.
        """
        from sim.field.recording_io import save

        if self.capture is None:
            raise UsageError("nothing is recorded", hint="machine.record() before the machine runs")
        if self.layout.io == "bus":
            raise UsageError("samples over the bus cannot be recorded", hint='record the port build: io = "port"')
        save(self.capture.recording(firmware, seed), Path(path))
