"""The smallest tensor arena that a model really runs with, found by running it.

One image is linked with all of the engine's RAM as arena and told, within one boot, which sizes to try. TFLM's own
`arena_used_bytes()` is only where the search begins: it leaves out what is needed for a moment while the tensors
are allocated. What was found is verified by an inference at that size whose outputs equal those with all the RAM.
No margin is added: the result is for this model, tree, kernels and core, and is sized anew when one of them changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Memory
from sim.errors import BuildError, FirmwareFailure
from sim.firmware.app import App
from sim.firmware.fit import Overflow, does_not_fit
from sim.firmware.generate import memory_ld, model_card_h
from sim.firmware.project import Project
from sim.firmware.workshop import locked
from sim.paths import cache_root
from sim.tflm.digest import remember

if TYPE_CHECKING:
    from sim.engines.protocol import Engine, Layout
    from sim.model import Model

STEP = 16  # bytes; TFLM aligns to it
_STACK = 64 * 1024  # of the sizing image; ample, so that only the arena decides
_REST = 64 * 1024  # of RAM, for the sizing image's own data
_MOST = 32 << 20  # no board has more RAM
_WITHIN = "1 h"  # board time; a guard against a model that never ends


@dataclass(frozen=True)
class ArenaSize:
    """Bytes reserved in the image; bytes TFLM says it uses of them; the smallest that runs. None: not known."""

    reserved: int
    used: int | None
    smallest: int | None


@dataclass(frozen=True)
class Trial:
    """What the image said of one size. `outputs` is a hash of all outputs, 0 when nothing was inferred."""

    runs: bool
    used: int = 0
    outputs: int = 0


Ask = Generator[tuple[int, bool], Trial, tuple[int, int]]  # asks (bytes, infer), is sent a Trial


def arena_for(
    model: Model, layout: Layout, project: Project, engine: Engine | None, progress: Callable[[str], None]
) -> ArenaSize:
    """Arena for `model` as `project` builds it; from the cache when it has been sized before.

    Raises BuildError when the model does not fit the engine's memory, FirmwareFailure when it does not run.
    """
    sizing = replace(project, app=App.load("invoke"), recorder=False)
    key = hashlib.sha256(f"{sizing.key} {model.sha256} {layout.room.size}".encode()).hexdigest()[:24]
    note = cache_root() / "arena" / f"{key}.json"
    if (known := _known(note)) is not None:  # without the lock: a cache that cannot be written will do
        return known
    with locked(f"arena-{key}"):
        if (known := _known(note)) is not None:  # another process has sized it while we waited
            return known
        progress(f"sizing the arena of {model.name} by running it")
        size = _sized(model, layout, sizing, engine, note.with_suffix(".elf"))
        remember(note, {"smallest": size.smallest, "used": size.used, "model": model.sha256})
    return size


def _known(note: Path) -> ArenaSize | None:
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        return ArenaSize(known["smallest"], known["used"], known["smallest"])
    except (OSError, ValueError, KeyError):
        return None


def _sized(model: Model, layout: Layout, sizing: Project, engine: Engine | None, elf: Path) -> ArenaSize:
    room = Memory(layout.room.origin, min(layout.room.size, _MOST + _STACK + _REST))
    whole = (room.size - _STACK - _REST) // STEP * STEP
    wide = replace(layout, flash=Memory(layout.flash.origin, layout.flash_room), ram=room)
    memory = memory_ld(
        flash=(wide.flash.origin, wide.flash.size),
        ram=(room.origin, room.size),
        stack=_STACK,
        arena=whole,
        heap=0,
        vectors=layout.vectors,
        variables=model.variables,
    )
    try:
        sizing.link(model=model.data, memory=memory, card=model_card_h({}), to=elf)
    except Overflow as over:
        raise does_not_fit(sizing.board, f"model {model.name}", flash=wide.flash.size + over.flash) from None
    try:
        smallest, used = _Search(elf, wide, sizing, engine or engine_of(layout)).run(whole)
    finally:
        elf.unlink(missing_ok=True)
        elf.with_suffix(".map").unlink(missing_ok=True)
    return ArenaSize(smallest, used, smallest)


def smallest_arena(whole: int) -> Ask:
    """The search as a generator: (smallest size that runs, what TFLM says is used of it)."""
    first = yield whole, True
    if not first.runs:
        raise BuildError(f"the model does not run, not even with an arena of {whole} bytes")

    def at(size: int, infer: bool) -> Generator[tuple[int, bool], Trial, Trial | None]:
        trial = yield size, infer
        good = trial.runs and (not infer or trial.outputs == first.outputs)
        return trial if good else None

    # Where allocation succeeds: usually at what TFLM says is used, and not below.
    high, step = _up(max(first.used, STEP)), STEP
    while (yield from at(min(high, whole), False)) is None:
        high, step = high + step, step * 2
    low, step = high - STEP, STEP
    while low > 0 and (yield from at(low, False)) is not None:
        high, step = low, step * 2
        low = max(0, low - step)
    while high - low > STEP:
        middle = _up((low + high) // 2)
        if (yield from at(middle, False)) is not None:
            high = middle
        else:
            low = middle
    # And where it infers with the same outputs, which is what counts.
    while (found := (yield from at(min(high, whole), True))) is None:
        high += STEP
    return min(high, whole), found.used


def _up(size: int) -> int:
    return -(-size // STEP) * STEP


class _Search:
    """Answers the questions of the sizing image, boot after boot where a size makes it crash."""

    def __init__(self, elf: Path, layout: Layout, project: Project, engine: Engine) -> None:
        self._elf, self._layout, self._project, self._engine = elf, layout, project, engine
        self._heard: dict[str, int] = {}
        self._ask: Ask
        self._next: tuple[int, bool] | None = None
        self._result: tuple[int, int] = (0, 0)

    def run(self, whole: int) -> tuple[int, int]:
        self._ask = smallest_arena(whole)
        self._next = next(self._ask)
        while self._next is not None:
            try:
                self._boot()
            except FirmwareFailure:
                # Too small an arena can end in a fault; with all the RAM it is the model's own failure.
                if self._next is None or self._next[0] == whole:
                    raise
                self._tell(Trial(False))
        return self._result

    def _boot(self) -> None:
        from sim.machine import Machine

        machine = Machine.started(self._elf, self._project.board, self._engine, layout=self._layout)
        with machine:
            port = machine.port
            port.on_config = self._on_config
            port.on_info = self._on_info
            try:
                machine.run_to_exit(within=_WITHIN)
            except BuildError as error:
                said = machine.console.text.strip()
                raise BuildError(f"{error.message}: {said}" if said else error.message) from None

    def _on_config(self, key: str) -> int | None:
        if key == "arena_search":
            return 1
        if key == "arena_try":
            return self._next[0] if self._next else 0
        if key == "arena_invoke":
            return int(self._next[1]) if self._next else 0
        return None

    def _on_info(self, key: str, value: int) -> None:
        self._heard[key] = value
        if key == "arena_runs":
            heard, self._heard = self._heard, {}
            self._tell(Trial(bool(value), heard.get("arena_used", 0), heard.get("arena_hash", 0)))

    def _tell(self, trial: Trial) -> None:
        try:
            self._next = self._ask.send(trial)
        except StopIteration as end:
            self._next, self._result = None, end.value


def engine_of(layout: Layout) -> Engine:
    """The engine that a layout is for."""
    from sim.engines import find_engine
    from sim.settings import Settings

    return find_engine(replace(Settings.load(), engine=layout.engine))
