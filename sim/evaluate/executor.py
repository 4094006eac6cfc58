"""Where units are played: in this process, in some of this machine's, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait as wait_for
from typing import Protocol

from sim.errors import SetupError, UsageError
from sim.evaluate.playing import run_unit
from sim.evaluate.unit import Place, Played, Unit
from sim.parallel import JOBS

_AHEAD = 2  # units that wait for each process, so that none has to
_NEEDED = ("sim.engines.qemu.session", "elftools.elf.elffile")  # by all units; imported where they are first used
_TRIES = 3  # of a unit whose process was killed


class Executor(Protocol):
    """Plays units. What comes of a unit does not depend on who plays it, nor on when."""

    def start(self) -> None:
        """There will be units soon, of another evaluation than before. Called as often as one likes."""

    def ahead(self, place: Place, unit: Unit) -> bool:
        """Play a unit before `run` is called, which gives its result. False: it is not, there is no room."""

    def run(self, place: Place, units: Iterator[Unit]) -> Iterator[tuple[str, list[Played]]]:
        """(key, results) of each unit, in any order; units are taken as they are needed."""


class Serial:
    """In this process, one after the other."""

    def start(self) -> None:
        """Nothing has to be started."""

    def ahead(self, place: Place, unit: Unit) -> bool:
        """Somebody else would have to."""
        return False

    def run(self, place: Place, units: Iterator[Unit]) -> Iterator[tuple[str, list[Played]]]:
        """See Executor."""
        for unit in units:
            yield unit.key, run_unit(place, unit)


class Processes:
    """In processes of this machine. One that is killed is replaced, and its unit played again."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._before: set[int] = set()
        self._early: dict[Future[list[Played]], Unit] = {}  # units that are played before run()
        self._starting: threading.Thread | None = None

    def start(self) -> None:
        """Start all processes; what units need (this module) is loaded while others prepare."""
        for future in self._early:  # of an evaluation that came to nothing
            future.cancel()
        self._early = {}
        if self._pool is None:
            # Who asks for a process waits until it is there, and the first one until all is loaded.
            self._starting = threading.Thread(target=_all_of, args=(self._started(), self._count))
            self._starting.start()

    def ahead(self, place: Place, unit: Unit) -> bool:
        """See Executor."""
        if self._starting is not None and self._starting.is_alive():
            return False  # to ask would be to wait
        if _waiting(self._early) >= _AHEAD * self._count:
            return False
        try:
            self._early[self._started().submit(run_unit, place, unit)] = unit
        except BrokenProcessPool:  # run() sees what was lost with it
            return False
        return True

    def run(self, place: Place, units: Iterator[Unit]) -> Iterator[tuple[str, list[Played]]]:
        """See Executor."""
        self._join()
        running, self._early = self._early, {}
        tries: dict[str, int] = {}
        again: list[Unit] = []
        while True:
            while _waiting(running) < _AHEAD * self._count:
                unit = again.pop() if again else next(units, None)
                if unit is None:
                    break
                try:
                    running[self._started().submit(run_unit, place, unit)] = unit
                except BrokenProcessPool:
                    again.append(unit)
                    break
            if not running and not again:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            lost = False
            for future in done:
                unit = running.pop(future)
                try:
                    yield unit.key, future.result()
                except BrokenProcessPool:
                    lost = True
                    again.append(unit)
                    tries[unit.key] = tries.get(unit.key, 0) + 1
                    if tries[unit.key] >= _TRIES:
                        raise _killed(unit) from None
            if lost or (again and not running):
                # The pool gives all of its units back as broken; the others come with the next looks.
                again += running.values()
                running.clear()
                self.close()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked from this one: a fork of a process with threads may hang. From one that has loaded all that
            # units need, and has no threads, a process is there at once.
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([__name__, *_NEEDED])
            self._before = {p.pid or 0 for p in multiprocessing.active_children()}
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=context, initializer=_begin, initargs=({**os.environ, JOBS: str(self._count)},)
            )
        return self._pool

    def _join(self) -> None:
        if self._starting is not None:
            self._starting.join()
            self._starting = None

    def close(self) -> None:
        """End the processes at once; an engine ends with its process."""
        self._join()
        if self._pool is None:
            return
        mine = [p for p in multiprocessing.active_children() if (p.pid or 0) not in self._before]
        for process in mine:
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None


def _waiting(units: Iterable[Future[list[Played]]]) -> int:
    return sum(not future.done() for future in units)


def _all_of(pool: ProcessPoolExecutor, count: int) -> None:
    """Have all processes of a pool started: it starts one for each unit that finds none free."""
    with suppress(BrokenProcessPool):  # run() finds out
        for _ in range(count):
            pool.submit(_nothing)


def _nothing() -> None:
    pass


def _begin(environment: dict[str, str]) -> None:
    # The process that this one was forked from has the environment of the first evaluation.
    os.environ.clear()
    os.environ.update(environment)
    # Ctrl-C goes to all processes of the terminal; only the first one answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool's process waits for work for ever, also when the one that had started it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _killed(unit: Unit) -> SetupError:
    return SetupError(
        f"the process that played {unit.names[0]} was killed {_TRIES} times",
        hint="out of memory? fewer at once: --jobs 1",
    )


@contextmanager
def executor(jobs: int, dask: str) -> Iterator[Executor]:
    """The executor that was asked for; it is closed whatever happens. Raises UsageError, SetupError."""
    if jobs < 1:
        raise UsageError(f"{jobs} jobs", hint="at least 1")
    if dask and jobs > 1:
        raise UsageError("both jobs and a Dask cluster", hint="the cluster's workers are as many as it has")
    if dask:
        from sim.evaluate.cluster import Cluster

        with Cluster.at(dask) as cluster:
            yield cluster
    elif jobs == 1:
        yield Serial()
    else:
        processes = Processes(jobs)
        try:
            yield processes
        finally:
            processes.close()
