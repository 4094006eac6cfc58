"""How a command is stopped: Ctrl-C, or SIGTERM, which a CI system sends first. Both end it with all it made."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN = 0.02  # s; long enough for the finaliser that swallowed an interrupt to be over


class Terminated(KeyboardInterrupt):
    """SIGTERM: it ends a command as Ctrl-C does."""


def _on_sigterm(_number: int, _frame: object) -> None:
    raise Terminated


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM raises Terminated; an interrupt that came while an object was finalised is not lost.

    Python prints what is raised in a `__del__` and goes on: such an interrupt is sent once more. Nothing is changed
    outside the main thread, or where somebody else (pytest, a server) has a handler of his own.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not ours:
        yield
        return
    usual = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            usual(lost)
            return
        number = signal.SIGTERM if issubclass(lost.exc_type, Terminated) else signal.SIGINT
        # To the thread itself: what it waits in is interrupted, too.
        again = threading.Timer(_AGAIN, signal.pthread_kill, (threading.main_thread().ident, number))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        yield
    finally:
        sys.unraisablehook = usual
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
