"""Limits, console marks and stops of an image with a timing model are in cycles, exact to the instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from bare import board_with, compiled, engine
from timing_bench import assembly

from sim.elf import Elf, load_elf
from sim.engines.protocol import Arm, Image, Session, Stop, StopKind
from sim.timing import TimingProfile

REFILL = 2
DONE = "boardless_main_returned"


def core() -> TimingProfile:
    profile = TimingProfile.of_core("cortex-m4")
    assert profile is not None
    return profile.changed({"core.refill": REFILL, "core.refill_register": REFILL, "core.refill_wide": 0})


@contextmanager
def running(
    path: Path, stops: Sequence[str], profile: TimingProfile | None, *, timers: bool = False, console: str = ""
) -> Iterator[tuple[Session, Elf]]:
    elf, qemu = load_elf(path), engine()
    image = Image(path, qemu.layout(board_with("cortex-m4")), elf.functions, stops=stops, timing=profile,
                  timers=timers, console_symbol=console)  # fmt: skip
    session = qemu.start(image)
    try:
        yield session, elf
    finally:
        session.close()


def program(folder: Path, functions: dict[str, str], calls: list[str]) -> Path:
    source = folder / "clock.S"
    source.write_text(assembly(functions, calls), encoding="utf-8")
    return compiled(folder, "cortex-m4", [], flags=[str(source)], name="clock")


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # 30 multiplications of one cycle, a branch back of one and its refill.
    body = "movs r0, #0\n1:\n" + "mul r0, r1, r2\n" * 30 + "b 1b"
    return program(tmp_path_factory.mktemp("clock"), {"endless": body}, ["endless"])


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
def test_a_limit_is_in_cycles(endless: Path, timers: bool) -> None:
    turn = 30 + 1 + REFILL
    with running(endless, ["endless"], core(), timers=timers) as (session, elf):
        assert session.resume().symbol == "endless"
        begun = (session.cycles or 0) + REFILL + 1 + 30 + 1  # the first turn is over, the jump back not yet counted
        for ahead in (1000, 100 * turn - 1, 101 * turn, 102 * turn + 1, 1_000_000):
            limit = begun + ahead
            stop = session.resume(limit)
            assert (stop.kind, stop.pc) == (StopKind.LIMIT, elf.functions["endless"] + 2)
            assert session.cycles == begun + -(-ahead // turn) * turn


def test_a_limit_is_in_instructions_where_there_is_no_model(endless: Path) -> None:
    with running(endless, ["endless"], None) as (session, _):
        session.resume()
        begun = session.instructions + 1 + 31
        assert session.cycles is None
        session.resume(begun + 1000)
        assert session.instructions == begun + -(-1000 // 31) * 31


def test_a_limit_that_is_over_stops_at_the_next_block(endless: Path) -> None:
    with running(endless, ["endless"], core()) as (session, _):
        session.resume()
        session.resume((session.cycles or 0) + 1000)
        before = session.cycles or 0
        assert session.resume(before).kind is StopKind.LIMIT
        assert session.cycles == before + 33


# ---- stops at symbols ----

_PARTS = {
    "outside": "mov r8, lr\n bl reached\n mov lr, r8",
    # `within` is run into in mid-block, and jumped to.
    "reached": "adds r0, r1, r2\n" * 5 + ".global within\n.type within, %function\n.thumb_func\nwithin:\n"
    + "mul r0, r1, r2\n" * 3,
}  # fmt: skip


def cycles_at(session: Session, symbol: str) -> int:
    stop = session.resume()
    assert (stop.kind, stop.symbol) == (StopKind.SYMBOL, symbol)
    assert session.cycles is not None
    return session.cycles


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
def test_a_stop_shows_the_cycles_in_front_of_its_instruction(tmp_path: Path, timers: bool) -> None:
    path = program(tmp_path, _PARTS, ["outside", "within"])
    stops = ["outside", "reached", "within", DONE]
    with running(path, stops, core(), timers=timers) as (session, _):
        outside = cycles_at(session, "outside")
        reached = cycles_at(session, "reached")
        assert reached - outside == REFILL + 1 + 1  # the jump to `outside`, MOV, BL
        within = cycles_at(session, "within")
        assert within - reached == REFILL + 5
        again = cycles_at(session, "within")
        done = cycles_at(session, DONE)
    with running(path, [DONE], core(), timers=timers) as (session, _):
        assert cycles_at(session, DONE) == done  # stops cost nothing
    # Back by BX twice, the five instructions that set main's registers and two literals among them, a call.
    assert again - within == 3 + 1 + REFILL + 1 + 1 + REFILL + set_up() + 1


def set_up() -> int:
    """Two literals that overlap, MOVS, STR, MOVS: cycles between two calls in main."""
    return 2 + 1 + 1 + 1 + 1


# ---- console marks ----

_SENDS = {
    "sends": "mov r8, lr\n mov r3, #UART\n movs r0, #65\n"
    + "".join(" str r0, [r3]\n" + "mul r2, r1, r1\n" * (n + 1) for n in (0, 1, 4, 9))
    + " mov lr, r8\n"
}  # fmt: skip


@pytest.mark.parametrize("timers", [False, True], ids=["blocks", "icount"])
def test_bytes_to_the_uart_are_marked_in_cycles(tmp_path: Path, timers: bool) -> None:
    path = program(tmp_path, _SENDS, ["sends"])
    with running(path, ["sends", DONE], core(), timers=timers) as (session, _):
        begun = cycles_at(session, "sends")
        cycles_at(session, DONE)
        data, marks = session.console()
    assert data == b"AAAA"
    # Three moves behind the jump; then a store of one cycle and the multiplications behind it.
    first = begun + REFILL + 3
    assert list(marks) == [first, first + 2, first + 5, first + 11]


def test_calls_of_the_console_function_are_marked_as_their_regions_begin(tmp_path: Path) -> None:
    putc = "boardless_console_putc"
    body = "push {r4, lr}\n" + "".join(f"movs r0, #{65 + i}\n bl {putc}\n" + "nop\n" * i for i in range(4))
    path = program(tmp_path, {"sends": body + "pop {r4, lr}"}, ["sends"])
    with running(path, [DONE], core(), console=putc) as (session, _):
        session.arm(putc, Arm(mark=True, region=True))
        stop: Stop = session.resume()
        assert stop.symbol == DONE
        data, marks = session.console()
        runs = session.regions()
    assert data == b"ABCD"
    assert list(marks) == [run.start_cycles for run in runs]
    lengths = [b - a for a, b in pairwise(marks)]
    assert [b - a for a, b in pairwise(lengths)] == [1, 1]


def test_cycles_are_known_after_a_reset(tmp_path: Path) -> None:
    body = "ldr r0, =0xE000ED0C\n ldr r1, =0x05FA0004\n str r1, [r0]\n1: b 1b"
    path = program(tmp_path, {"resets": body}, ["resets"])
    with running(path, ["resets"], core()) as (session, _):
        begun = cycles_at(session, "resets")
        assert session.resume().kind is StopKind.RESET
        assert session.cycles is not None
        assert session.cycles > begun + 4
