"""The process that Renode runs in: one for all machines that come one after the other, replaced when it is gone."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.engines.renode.worker.rpc import Channel, Gone
from sim.errors import BoardlessError, SetupError

_START_WITHIN = 60.0  # s of host time for .NET and Renode to come up
_SIGN_WITHIN = 20.0  # s of host time without a sign of life: it hangs
# Each machine has threads of its own: with glibc's many heaps for many threads, memory of those that are gone stays.
_HEAP = {"MALLOC_ARENA_MAX": "2"}


class WorkerDied(SetupError):
    """The worker is gone; the text says how."""


class WorkerError(SetupError):
    """Renode refused a request: its words."""


class Worker:
    """A running worker. Its temporary folder is its own, and goes with it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cache: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="boardless-renode-"))
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._errors = (self._folder / "stderr").open("wb+")
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYRENODE_", "PYTHON"))}
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [*command, str(theirs.fileno()), str(cache)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=[theirs.fileno()],
                    env={**keep, **_HEAP, **environment, **self._places()},
                    cwd=self._folder,
                    process_group=0,
                )
        except OSError as error:
            self._cleared()
            raise SetupError(f"{command[0]}: cannot be started: {error.strerror}") from None
        self.described: dict[str, str] = {}
        self.dead = ""
        self.busy = False  # plays a machine
        try:
            hello, _ = self._channel.receive(_START_WITHIN)
        except (Gone, TimeoutError):
            text = self._tail()
            self.close()
            raise SetupError(f"Renode does not start: {text or 'no answer'}", hint="boardless doctor") from None
        if "error" in hello:
            self.close()
            raise SetupError(f"Renode does not start: {hello['error']}: {hello['text']}", hint="boardless doctor")
        self.described = hello["ready"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, do: str, data: bytes = b"", **values: Any) -> tuple[dict[str, Any], bytes]:
        """One request and its answer. Raises WorkerError (the worker goes on) or WorkerDied (it is gone)."""
        if self.dead:
            raise WorkerDied(self.dead)
        try:
            self._channel.send({"do": do, **values}, data)
            beats, before = 0, -1
            while True:
                answer, out = self._channel.receive(_SIGN_WITHIN)
                if "count" not in answer or "kind" in answer:
                    break
                beats = beats + 1 if answer["count"] == before else 0
                before = answer["count"]
                if beats > 2 * _SIGN_WITHIN:
                    raise TimeoutError
        except TimeoutError:
            self._die(f"Renode hangs: no progress for {_SIGN_WITHIN:g} s of host time")
        except Gone:
            self._die("")
        if "error" in answer:
            raise WorkerError(f"{answer['error']}: {answer['text']}" if answer["text"] else answer["error"])
        return answer, out

    def _die(self, why: str) -> None:
        tail = ""
        if not why:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            code = self._process.poll()
            why = f"Renode ended with signal {signal.Signals(-code).name}" if code and code < 0 else (
                f"Renode ended with exit code {code}")  # fmt: skip
            tail = self._tail()
        self.dead = f"{why}: {tail}" if tail else why
        self.close()
        raise WorkerDied(self.dead)

    def _tail(self) -> str:
        """The last lines on standard error."""
        with contextlib.suppress(OSError, ValueError):
            self._errors.flush()
            text = (self._folder / "stderr").read_bytes()[-8192:].decode("utf-8", "replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return " / ".join(lines[-4:])
        return ""

    def _places(self) -> dict[str, str]:
        """Renode keeps its configuration in the home folder and wipes its leftovers in TMPDIR."""
        return {"TMPDIR": str(self._folder), "XDG_CONFIG_HOME": str(self._folder)}

    def _cleared(self) -> None:
        self._channel.close()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """End it. Safe to call twice."""
        self.dead = self.dead or "Renode was ended"
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._cleared()


_workers: dict[object, list[Worker]] = {}


def free_worker(key: object, command: Sequence[str], environment: Mapping[str, str], cache: Path) -> Worker:
    """A worker of this process for `key` that plays no machine now; a new one when there is none. Raises SetupError."""
    if not _workers:
        atexit.register(end_workers)
    living = _workers[key] = [worker for worker in _workers.get(key, []) if not worker.dead]
    free = next((worker for worker in living if not worker.busy), None)
    if free is None:
        free = Worker(command, environment, cache)
        living.append(free)
    return free


def any_worker(key: object) -> Worker | None:
    """A living worker for `key`, busy or not."""
    return next((worker for worker in _workers.get(key, []) if not worker.dead), None)


def end_workers() -> None:
    """End all workers of this process."""
    for living in _workers.values():
        for worker in living:
            with contextlib.suppress(OSError, BoardlessError):
                worker.close()
    _workers.clear()
