"""Waiting for the core: until the probe stops it, QEMU ends, or nothing moves any more."""

from __future__ import annotations

import select
import signal
import subprocess
import time

from sim.engines.protocol import ENDED_BY_DEBUGGER, Image, Stop, StopKind
from sim.engines.qemu import control as ctl
from sim.engines.qemu.ending import last_registers, why_ended
from sim.engines.qemu.process import asleep, cpu_seconds
from sim.engines.qemu.spin import Spin
from sim.engines.qemu.wiring import Wiring

# The firmware can make none of these happen by being slow: they only catch an engine without progress.
_LOOK_EVERY = 0.1  # s of host time between two looks at a core that does not stop
_LOOK_SOON = 0.01  # the same where input waits for a core that may sleep: each byte of it does
_ASLEEP_AFTER = 2  # looks in a row without one instruction, every thread of QEMU waiting for something
_STUCK_AFTER = 6.0  # s of looks in a row without one instruction
_STUCK_USES = 1.0  # s of CPU time of QEMU's in these looks: less, and it is the host that is too busy for it
ANSWER_WITHIN = _STUCK_AFTER  # s of host time for a request to a core that stands still

_RESET = "the firmware asked for a reset (AIRCR.SYSRESETREQ)"
_STACK_LEFT = "stack overflow: the stack pointer has left the RAM"
_KINDS = {
    ctl.EVENT_START: StopKind.START,
    ctl.EVENT_SYMBOL: StopKind.SYMBOL,
    ctl.EVENT_LIMIT: StopKind.LIMIT,
    ctl.EVENT_FULL: StopKind.LIMIT,  # so that the caller takes console bytes and regions before they are too many
    ctl.EVENT_STACK: StopKind.STACK,
    ctl.EVENT_HANDLER: StopKind.LIMIT,
    ctl.EVENT_UNSEEN: StopKind.LIMIT,
}
OF_PROBE = frozenset(_KINDS.values())


class Waiting:
    """The stops of one process. `last`: the latest one; `left`: registers that a dying QEMU printed."""

    def __init__(self, wiring: Wiring, image: Image) -> None:
        self._wiring = wiring
        self._image = image
        self.last: Stop | None = None
        self.left: dict[str, int] = {}
        self._spin = Spin()
        self._poll = select.poll()
        self._poll.register(wiring.socket, select.POLLIN)
        self._poll.register(wiring.qmp, select.POLLIN)

    @property
    def stands_still(self) -> bool:
        """The probe holds the core in front of an instruction."""
        return self.last is not None and self.last.kind in OF_PROBE

    def stop(self, deadline: float | None, *, input_waits: bool = False) -> Stop:
        """Waits for the next stop; with a deadline (host's monotonic clock) not longer than that.

        `input_waits`: there is input to wake a core that sleeps, so that is looked for more often.
        """
        self.last = self._next_stop(deadline, _LOOK_SOON if input_waits else _LOOK_EVERY)
        return self.last

    def _next_stop(self, deadline: float | None, look_every: float) -> Stop:
        monitor = self._wiring.monitor
        looks, before, used = 0, -1, None
        self._spin.ready(self._poll)
        while True:
            ready = [fd for fd, _ in self._poll.poll(look_every * 1000)]
            if self._wiring.socket.fileno() in ready:
                return self._stop_of_probe()
            elif ready:  # an event of QEMU's, or its end, which the probe's socket says too
                if monitor.reset_requested():
                    return self._reset()
                if monitor.shut_down and self._image.debugger:
                    return Stop(StopKind.ENDED, detail=ENDED_BY_DEBUGGER)
                if monitor.gone:
                    self._poll.unregister(self._wiring.qmp)
            else:
                now = self._wiring.control.count
                looks = looks + 1 if now == before else 0
                if looks == 0:
                    used = cpu_seconds(self._wiring.process.pid)
                before = now
                if self._image.debugger:  # which may hold the core as long as it likes
                    continue
                late = deadline is not None and time.monotonic() > deadline
                if late or (deadline is None and self._no_progress(looks, look_every, used)):
                    return self._stuck()

    def _stop_of_probe(self) -> Stop:
        """What the probe stopped for."""
        try:
            byte = self._wiring.socket.recv(1)
        except ConnectionResetError:
            byte = b""
        if not byte:
            return Stop(StopKind.ENDED, detail=self._why_ended())
        kind, pc, symbol = self._wiring.control.event()
        return Stop(_KINDS[kind], pc=pc, symbol=symbol, detail=self._stack_left() if kind == ctl.EVENT_STACK else "")

    def _no_progress(self, looks: int, look_every: float, used_before: float | None) -> bool:
        """`used_before`: CPU time of QEMU's when the core was last seen to move."""
        pid = self._wiring.process.pid
        # A host that is busy starves QEMU, but then a thread of it wants to run.
        used = cpu_seconds(pid)
        starved = used is not None and used_before is not None and used - used_before < _STUCK_USES
        stuck = (looks >= _ASLEEP_AFTER and asleep(pid)) or (looks * look_every >= _STUCK_AFTER and not starved)
        # Or it has come to a stop since this look began, and sleeps until we answer.
        return stuck and not self._poll.poll(0)

    def registers(self) -> dict[str, int]:
        """See `sim.engines.protocol.Session.registers`."""
        registers = self.left or self._wiring.monitor.registers()
        # The core's own pc is only right between blocks; the probe knows that of its stop.
        if registers and self.last is not None and self.last.kind in OF_PROBE:
            registers["pc"] = self.last.pc
        return registers

    def _reset(self) -> Stop:
        return Stop(StopKind.RESET, pc=self.registers().get("pc", 0), detail=_RESET)

    def _stuck(self) -> Stop:
        if self._wiring.monitor.is_shut_down():  # before QEMU had begun to send events
            return self._reset()
        return Stop(
            StopKind.STUCK,
            pc=self.registers().get("pc", 0),
            detail="the core executes no instruction: it sleeps, and nothing is left to wake it",
        )

    def _why_ended(self) -> str:
        try:
            code = self._wiring.process.wait(5)
        except subprocess.TimeoutExpired:
            self._wiring.kill()
            code = -signal.SIGKILL
        text = self._wiring.errors()
        if self._image.debugger and code == 0:
            return ENDED_BY_DEBUGGER
        self.left = last_registers(text)
        return why_ended(code, text)

    def _stack_left(self) -> str:
        stack = self._image.watch.stack if self._image.watch else None
        if stack is None:
            return _STACK_LEFT
        address, pc = self._wiring.control.stack_left()
        if address:
            end = f"{stack.origin:#010x}"
            return f"stack overflow: the store at {pc:#010x} writes {address:#010x}, below the stack that ends at {end}"
        return f"stack overflow: the stack pointer is outside the stack, {stack.origin:#010x} to {stack.end:#010x}"
