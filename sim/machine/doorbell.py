"""The doorbell of the port: what the firmware asks for, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim.clock import BoardClock
from sim.port.answer import Answer, PortMisuse
from sim.port.mailbox import ANSWER_AT, SIZE, STATUS_AT, BadMailbox, Request, decode, encode_answer, encode_status

if TYPE_CHECKING:
    from sim.machine.runner import Runner


class Doorbell:
    """The mailbox of a machine, and the request in it that has no answer yet."""

    def __init__(self, runner: Runner, clock: BoardClock, mailbox: int | None) -> None:
        self._runner, self._clock, self._mailbox = runner, clock, mailbox
        self._pending: Answer | None = None
        self._request: Request | None = None

    @property
    def there(self) -> bool:
        """Whether the firmware has a mailbox."""
        return self._mailbox is not None

    @property
    def waits(self) -> bool:
        """Whether the firmware has asked for something that is not there yet."""
        return self._pending is not None

    def start_again(self) -> None:
        """The board was off."""
        self._pending = self._request = None

    def rung(self, awaited: str) -> None:
        """The firmware has called the doorbell."""
        if self._mailbox is None:
            return
        runner = self._runner
        try:
            request = decode(runner.session.read(self._mailbox, SIZE))
            self._pending = runner.port.answer(request, runner.time_ps)
        except BadMailbox as error:
            raise runner.failed(f"the mailbox holds nonsense: {error}", awaited=awaited) from None
        except PortMisuse as error:
            raise runner.failed(str(error), awaited=awaited) from None
        except IndexError:
            raise runner.failed(f"the mailbox at {self._mailbox:#010x} is not in RAM", awaited=awaited) from None
        self._request = request
        if self._pending.ready_ps <= runner.time_ps and not self._pending.blocked and runner.port.exit_code is None:
            self._give(self._pending)

    def finish(self, until_ps: int, awaited: str) -> bool:
        """Give the pending answer if its time has come by `until_ps`; otherwise board time moves on to that."""
        runner, pending, request = self._runner, self._pending, self._request
        assert pending is not None
        assert request is not None
        if runner.port.exit_code is not None:
            raise runner.failed("the firmware has ended its run (bl_exit) and waits for nothing more", awaited=awaited)
        if pending.blocked:
            if runner.port.inputs is None:
                raise runner.failed(
                    "the firmware asks for an input (bl_input), and the test gives none", awaited=awaited
                )
            self._pending = runner.port.answer(request, runner.time_ps)
            pending = self._pending
        if pending.ready_ps > until_ps:
            self._clock.wait_until(until_ps, runner.ticks)
            return False
        self._clock.wait_until(pending.ready_ps, runner.ticks)
        self._give(pending)
        return True

    def _give(self, answer: Answer) -> None:
        assert self._mailbox is not None
        runner = self._runner
        runner.session.write(self._mailbox + ANSWER_AT, encode_answer(answer.results, runner.time_ps // 1000))
        runner.session.write(self._mailbox + STATUS_AT, encode_status(answer.status))
        self._pending = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, the firmware may ask for other things; what it waits for now is as before behind it."""
        pending, request, self._pending = self._pending, self._request, None
        box = b"" if self._mailbox is None else self._runner.session.read(self._mailbox, SIZE)
        yield
        if self._mailbox is not None:
            self._runner.session.write(self._mailbox, box)
        self._pending, self._request = pending, request
