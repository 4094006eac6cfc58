"""What the probe counts: against hand-counted assembly, and against QEMU's own log of executed instructions."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from bare import CORES, board_with, compiled, engine

from sim.elf import Elf, load_elf
from sim.engines.protocol import Arm, Image, RegionRun, Session, StopKind
from sim.engines.qemu import probe
from sim.engines.qemu.program import find_qemu, qemu_version
from sim.settings import Settings


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("probe")


@contextmanager
def session(path: Path, core: str, *, timers: bool, stops: Sequence[str], console: bool = True) -> Iterator[Session]:
    elf = load_elf(path)
    qemu = engine()
    image = Image(path, qemu.layout(board_with(core)), elf.functions, timers=timers, stops=stops,
                  console_symbol="boardless_console_putc" if console else "")  # fmt: skip
    running = qemu.start(image)
    try:
        yield running
    finally:
        running.close()


@pytest.mark.slow
def test_the_source_has_no_warnings(tmp_path: Path) -> None:
    sources = sorted(Path(probe.__file__).parent.glob("*.c"))
    flags = ["-std=gnu11", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
    done = subprocess.run(
        [probe.host_compiler(), *flags, *map(str, sources), "-o", str(tmp_path / "p.so")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# ---- regions ----

_LENGTHS = {
    "leaf": [3] * 8,  # called, twice in outer, from tail_caller twice, through veneer, by pointer, after the jump
    "outer": [10],
    "self_loop": [11],
    "recursive": [4, 10, 16, 22],
    "tail_caller": [11],
    "veneer": [4],
    "by_pointer": [7],
    "inner_marks": [4],
    "fallen_into": [3],
    "polls": [17],
    "asks": [4],
    "SVC_Handler": [2],
}


def regions(path: Path, core: str, names: Sequence[str], *, timers: bool) -> list[RegionRun]:
    with session(path, core, timers=timers, stops=["done"]) as running:
        for name in names:
            running.arm(name, Arm(region=True))
        stop = running.resume(10_000_000)
        assert (stop.kind, stop.symbol) == (StopKind.SYMBOL, "done")
        return running.regions()


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
@pytest.mark.parametrize("core", CORES)
@pytest.mark.slow
def test_regions_have_the_hand_counted_length(folder: Path, core: str, timers: bool) -> None:
    path = compiled(folder, core, ["regions.S"], name="regions")
    together = regions(path, core, [*_LENGTHS, "calls_out", "jumps_out"], timers=timers)
    for name, lengths in _LENGTHS.items():
        assert [r.end - r.start for r in together if r.symbol == name] == lengths, name
    # Regions that were left by a jump have no end, and spoil none of those that come later.
    assert not [r for r in together if r.symbol in ("calls_out", "jumps_out")]
    for name, lengths in _LENGTHS.items():
        alone = regions(path, core, [name], timers=timers)
        assert [r.end - r.start for r in alone] == lengths, name


def test_nested_regions_know_their_depth(folder: Path) -> None:
    path = compiled(folder, "cortex-m4", ["regions.S"], name="regions")
    runs = regions(path, "cortex-m4", ["outer", "leaf"], timers=False)
    assert [(r.symbol, r.depth) for r in runs[:4]] == [("leaf", 0), ("leaf", 1), ("leaf", 1), ("outer", 0)]


# ---- totals ----


def counted_by_log(path: Path, core: str, address: int, case: int, folder: Path) -> int:
    """Instructions before the first one at `address`, from QEMU's log with one instruction a block; no plugin."""
    qemu = find_qemu(replace(Settings.load(), engine="qemu"))
    layout = engine().layout(board_with(core))
    log, elf = folder / "exec.log", load_elf(path)
    version = qemu_version(qemu)
    single = ["-accel", "tcg,one-insn-per-tb=on"] if version >= (8, 1, 0) else ["-singlestep"]
    command = [
        str(qemu), "-machine", layout.machine, "-m", f"{layout.room.size >> 20}M", "-nodefaults", "-display", "none",
        "-nic", "none", "-serial", "null", *single, "-icount", "shift=3,sleep=off", "-d", "exec,nochain",
        "-D", str(log), "-kernel", str(path), "-no-reboot",
        "-device", f"loader,addr={elf.symbols['bare_case'].address:#x},data={case},data-len=4",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    handler = elf.symbols["SysTick_Handler"]
    count, before, interrupted = 0, -1, -1
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line)
            if not found:
                continue
            pc = int(found[1], 16)
            if pc == address:
                return count
            # An instruction that is begun and left, for a device access or an interrupt, has a second line afterwards.
            # None of these is a loop by itself.
            if pc == handler.address:
                interrupted = before
            begun_before = pc == before or (
                pc == interrupted and handler.address <= before < handler.address + handler.size
            )
            count += not begun_before
            before = pc
    raise AssertionError("never came to that address")


def count_to(path: Path, core: str, symbol: str, case: int, *, timers: bool, console: bool = True) -> int:
    elf = load_elf(path)
    with session(path, core, timers=timers, stops=[symbol], console=console) as running:
        running.write(elf.symbols["bare_case"].address, case.to_bytes(4, "little"))
        while (stop := running.resume(10_000_000)).kind is StopKind.LIMIT:
            assert running.instructions < 10_000_000
        assert stop.symbol == symbol
        return running.instructions


@pytest.fixture
def counting(folder: Path, request: pytest.FixtureRequest) -> tuple[Path, str, Elf]:
    core = request.param
    path = compiled(folder, core, ["count.c"], name="count")
    return path, core, load_elf(path)


@pytest.mark.parametrize("counting", CORES, indirect=True)
@pytest.mark.parametrize("case", [0, 1], ids=["quiet", "interrupts"])
def test_totals_equal_those_of_the_log(counting: tuple[Path, str, Elf], case: int, tmp_path: Path) -> None:
    path, core, elf = counting
    expected = counted_by_log(path, core, elf.functions["marker"], case, tmp_path)
    assert expected > 20_000
    assert count_to(path, core, "marker", case, timers=True) == expected
    if case == 0:  # no interrupts: whole blocks are counted, and that gives the same
        assert count_to(path, core, "marker", case, timers=False) == expected
        assert count_to(path, core, "marker", case, timers=False, console=False) == expected


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
def test_twenty_runs_count_the_same(folder: Path, timers: bool) -> None:
    path = compiled(folder, "cortex-m4", ["count.c"], name="count")
    counts = {count_to(path, "cortex-m4", "marker", int(timers), timers=timers) for _ in range(20)}
    assert len(counts) == 1
