"""Board: what a `board.toml` says about a product or kit, checked, with where each figure is from.

A board is a folder with a `board.toml`; its name is the folder's. The shipped ones lie in `platforms/`; one of
your own is a folder given by path, or lies in one of the folders of the setting `boards`. Format: docs/boards.md.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.board_file import FIGURES, PERIPHERAL, Table
from sim.energy.power import SOURCED, Power, read_power
from sim.errors import UsageError, near
from sim.paths import data_root
from sim.sensors.parts import known, part_names
from sim.settings import Settings
from sim.source import SOURCE_KINDS, Source
from sim.timing import TimingProfile, read_timing

FILE = "board.toml"
# core -> the floating-point units it can have, by GCC's -mfpu name ("auto": implied by -mcpu).
CORES: Mapping[str, tuple[str, ...]] = {
    "cortex-m3": ("none",),
    "cortex-m4": ("none", "fpv4-sp-d16"),
    "cortex-m7": ("none", "fpv5-sp-d16", "fpv5-d16"),
    "cortex-m33": ("none", "fpv5-sp-d16"),
    "cortex-m55": ("auto",),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Memory:
    """A contiguous range of addresses; both figures in bytes."""

    origin: int
    size: int

    @property
    def end(self) -> int:
        """First address after it."""
        return self.origin + self.size


@dataclass(frozen=True)
class Bus:
    """What a bus build for a board drives: see docs/bus.md."""

    chip: str  # folder of firmware/drivers with drivers of its peripherals, and firmware/boards/console_<chip>.c
    console: int  # address of the UART that is the product's console


@dataclass(frozen=True)
class Board:
    """A product or kit, as far as firmware for it depends on it."""

    name: str
    title: str
    folder: Path
    core: str  # as GCC's -mcpu: "cortex-m4"
    fpu: str  # as GCC's -mfpu, "none", or "auto" where -mcpu says it
    mve: bool  # has the vector extension (Helium)
    clock_hz: int
    flash: Memory  # what the image is linked into
    ram: Memory  # the main contiguous RAM
    parts: Mapping[str, str]  # sensor slot -> part, {"imu": "lsm9ds1"}
    sources: Mapping[str, Source]  # by key of the file: "clock.hz", "flash.size", "parts.imu", ...
    unverified: tuple[str, ...]  # keys whose source is `unverified`
    power: Power | None = None  # supply and currents, for energy; None where the file has none
    timing: TimingProfile | None = None  # how cycles are counted; None: instructions only
    engines: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # engine -> keys that only it reads
    bus: Bus | None = None  # None: no drivers for its sensors

    @staticmethod
    def load(name_or_path: str | Path, extra_folders: Iterable[Path] = ()) -> Board:
        """The board of that name (shipped, or in one of `extra_folders`), or the one in that folder.

        Raises UsageError for an unknown name (with near ones), and for a file that is missing or not right.
        """
        text = str(name_or_path)
        path = Path(text).expanduser()
        if isinstance(name_or_path, Path) or "/" in text or text.startswith("."):
            if path.name == FILE:
                path = path.parent
            if not (path / FILE).is_file():
                raise UsageError(
                    f"{text}: no board there: no {FILE} in that folder",
                    hint="docs/boards.md says what goes into it; `boardless boards` lists those there are",
                )
            return _read(path.resolve())
        named = _folders(extra_folders)
        if text in named:
            return _read(named[text])
        if (path / FILE).is_file():
            return _read(path.resolve())
        raise UsageError(f"unknown board {text!r}", hint=near(text, named))


def all_boards(extra_folders: Iterable[Path] = ()) -> list[Board]:
    """Every board that can be named, sorted by name. Raises UsageError if one of the files is not right."""
    return [_read(folder) for _, folder in sorted(_folders(extra_folders).items())]


def board_folders(settings: Settings) -> tuple[Path, ...]:
    """The folders of the setting `boards`, for `extra_folders`."""
    return tuple(Path(part).expanduser() for part in settings.boards.split(os.pathsep) if part)


def _folders(extra: Iterable[Path]) -> dict[str, Path]:
    """Board name -> its folder. Two boards of one name are an error: which one was meant would be a guess."""
    found: dict[str, Path] = {}
    for top in [data_root() / "platforms", *extra]:
        if not top.is_dir():
            raise UsageError(
                f"{top}: no such folder of boards",
                hint="check the setting `boards` (folders separated like PATH)",
            )
        # The folder of one board is as good as a folder of boards.
        for file in sorted([*top.glob(FILE), *top.glob(f"*/{FILE}")]):
            folder = file.parent.resolve()
            if found.setdefault(folder.name, folder) != folder:
                raise UsageError(
                    f"two boards named {folder.name!r}: {found[folder.name]} and {folder}",
                    hint="rename the folder of one: a board's name is its folder's",
                )
    return found


def _read(folder: Path) -> Board:
    file = folder / FILE
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not a TOML file: {error}", hint="docs/boards.md shows one") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    if not _NAME.fullmatch(folder.name):
        raise UsageError(
            f"{folder}: {folder.name!r} cannot be a board's name",
            hint="a board is named as its folder: lower-case letters, digits and _, a letter first",
        )
    return _board(folder, Table(file, raw))


def _board(folder: Path, table: Table) -> Board:
    table.no_more_than(["board", "clock", "flash", "ram", "parts", "power", "timing", "engine", "bus", "sources"])
    head = table.table("board", ["title", "core", "fpu", "mve"])
    core = head.one_of("core", CORES)
    fpu = head.one_of("fpu", CORES[core], why=f" on {core}")
    mve = head.boolean("mve", default=core == "cortex-m55")
    if mve and core != "cortex-m55":
        raise head.error("mve", f"{core} has no MVE", "leave the key out")
    clock_hz = table.table("clock", ["hz"]).integer("hz")
    flash = _memory(table, "flash")
    ram = _memory(table, "ram")
    if flash.origin < ram.end and ram.origin < flash.end:
        raise table.error("flash", "overlaps [ram]", "an image cannot lie where its variables are")
    parts = _parts(table)
    sources = _sources(table, parts)
    return Board(
        name=folder.name,
        title=head.text("title"),
        folder=folder,
        core=core,
        fpu=fpu,
        mve=mve,
        clock_hz=clock_hz,
        flash=flash,
        ram=ram,
        parts=parts,
        sources=sources,
        unverified=tuple(key for key, source in sources.items() if source.kind == "unverified"),
        power=read_power(table, table.table("sources", None, required=False)),
        timing=read_timing(table, core),
        engines=_engines(table),
        bus=_bus(table),
    )


def _memory(table: Table, key: str) -> Memory:
    inner = table.table(key, ["origin", "size"])
    memory = Memory(inner.integer("origin"), inner.integer("size"))
    if memory.end > FIGURES["ram.origin"].high:
        raise inner.error("size", f"ends at {memory.end:#x}", "memory ends below 0xa0000000 (devices follow)")
    return memory


def _engines(table: Table) -> dict[str, dict[str, str]]:
    """What the file says to an engine; the engine checks it."""
    inner = table.table("engine", None, required=False)
    found = {}
    for name in inner:
        keys = inner.table(name, None)
        found[name] = {key: keys.text(key) for key in keys}
    return found


def _bus(table: Table) -> Bus | None:
    if "bus" not in table:
        return None
    inner = table.table("bus", ["chip", "console"])
    chips = sorted(p.name for p in (data_root() / "firmware" / "drivers").iterdir() if p.is_dir() and p.name != "parts")
    return Bus(inner.one_of("chip", chips), inner.integer("console", PERIPHERAL))


def _parts(table: Table) -> dict[str, str]:
    """Slots must be names that a test can write: machine.imu; parts must be there."""
    inner = table.table("parts", None, required=False)
    parts = {slot: inner.text(slot) for slot in inner}
    for slot, name in parts.items():
        if not _NAME.fullmatch(slot):
            raise inner.error(slot, "cannot be a slot's name", "lower-case letters, digits and _: imu, microphone")
        if not known(name):
            raise inner.error(slot, f"unknown sensor part {name!r}", near(name, part_names()))
    return parts


def _sources(table: Table, parts: Mapping[str, str]) -> dict[str, Source]:
    """One source a figure; `flash` and `ram` may have one for both theirs. One without is unverified."""
    figures = ["board.core", "board.fpu", *FIGURES, *(f"parts.{slot}" for slot in parts)]
    inner = table.table("sources", [*figures, "flash", "ram", "power", *SOURCED], required=False)
    out: dict[str, Source] = {}
    for key in figures:
        said = next((k for k in (key, key.partition(".")[0]) if k in inner), None)
        if said is None:
            out[key] = Source("unverified", "no source given")
            continue
        entry = inner.table(said, ["kind", "text"])
        out[key] = Source(entry.one_of("kind", SOURCE_KINDS), entry.text("text"))
    return out
