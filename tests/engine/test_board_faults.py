"""Every way in which firmware fails ends the run at once, with what, where and how it came there, on every core."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from bare import CORES, board_with, compiled, engine

from sim.engines.qemu.process import asleep
from sim.errors import FirmwareFailure
from sim.machine import Machine, NotSeen

# case of faults.c -> (number, what the reason says, where the backtrace begins)
FAULTS = {
    "undefined": (1, "UsageFault: UNDEFINSTR", "fail_undefined"),
    "bus read": (2, "PRECISERR: data access that nothing answers at address 0xf0000000", "fail_bus_read"),
    "bus write": (3, "PRECISERR: data access that nothing answers at address 0xf0000004", "fail_bus_write"),
    "execute": (4, "IACCVIOL", "run_case"),
    "divide by zero": (5, "UsageFault: DIVBYZERO", "fail_divide"),
    "unaligned": (6, "UsageFault: UNALIGNED", "fail_unaligned"),
    "no FPU": (8, "UsageFault: NOCP", "fail_fpu"),
    "Thumb bit": (9, "UsageFault: INVSTATE", "fail_undefined"),
    "semihosting": (20, "tried semihosting", "fail_semihosting"),
    "in a handler": (23, "PRECISERR", "svc_inner"),
    "process stack": (24, "PRECISERR", "fail_bus_read"),
    "table in RAM": (25, "PRECISERR", "fail_bus_read"),
}
ENDINGS = {
    "reset request": (12, "asked for a reset (AIRCR.SYSRESETREQ)", "fail_reset"),
    "asleep": (13, "sleeps, and nothing is left to wake it", "fail_sleep"),
    "HALTED": (15, "it logged HALTED and loops for ever", "fail_halted"),
    "abort": (16, "abort() was called", "abort"),
    "assert": (17, "an assertion of the firmware failed", "__assert_func"),
    "pure virtual": (18, "a pure virtual function was called", "__cxa_pure_virtual"),
    "main returned": (19, "main() returned", "boardless_main_returned"),
    "interrupt": (21, "SysTick went to SysTick_Handler, which is an endless loop", "SysTick_Handler"),
    "lock-up": (11, "lock-up", "fail_lockup"),
    "overflow": (10, "stack overflow: the stack pointer has left the RAM", "fail_overflow"),
}

Boot = Callable[..., "Machine"]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder, made = tmp_path_factory.mktemp("faults"), dict[str, Path]()

    def image(core: str) -> Path:
        if core not in made:
            made[core] = compiled(folder, core, ["faults.c"])
        return made[core]

    return image


@contextmanager
def started(elf: Path, core: str, case: int, value: int = 0, *, on_fault: str = "stop") -> Iterator[Machine]:
    machine = Machine.started(elf, board_with(core), engine(), on_fault=on_fault)
    try:
        machine.write("bare_case", case)
        machine.write("bare_value", value)
        yield machine
    finally:
        machine.close()


def failure(elf: Path, core: str, case: int, value: int = 0) -> FirmwareFailure:
    with started(elf, core, case, value) as machine, pytest.raises(FirmwareFailure) as caught:
        machine.console.expect("never", within="1 s")
    return caught.value


def backtrace(error: FirmwareFailure) -> list[str]:
    lines = [line.strip() for line in error.report.partition("backtrace:\n")[2].splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_ends_the_run_and_says_where(images: Callable[[str], Path], core: str, what: str) -> None:
    number, text, function = FAULTS[what]
    error = failure(images(core), core, number)
    assert text in error.reason
    assert not isinstance(error, NotSeen)
    assert f"{function}+" in error.reason
    assert "CFSR=" in error.report
    # From the place of the fault to reset, each with its line.
    if what != "process stack":
        trace = "\n".join(backtrace(error))
        assert trace.index("run_case+") < trace.index("main+") < trace.index("Reset_Handler+")
        assert "faults.c:" in trace
        assert "?" not in trace


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("what", ENDINGS)
def test_every_other_end_is_seen_at_once(images: Callable[[str], Path], core: str, what: str) -> None:
    number, text, function = ENDINGS[what]
    begun = time.monotonic()
    error = failure(images(core), core, number)
    assert text in error.reason
    assert not isinstance(error, NotSeen)
    assert any(line.startswith(f"{function}+") for line in backtrace(error)[:1])
    assert time.monotonic() - begun < 30  # of the host, which may be busy; a budget in board time would take longer


READ, WRITE = 27, 28  # cases of faults.c: a word at bare_value
BEYOND = {
    "read behind RAM": (READ, lambda at: at.ram.end, "0 bytes behind the end of the board's 64 KB of RAM"),
    "write behind RAM": (WRITE, lambda at: at.ram.end + 400, "400 bytes behind the end of the board's 64 KB of RAM"),
    "far behind RAM": (WRITE, lambda at: at.room.end - 4, "behind the end of the board's 64 KB of RAM"),
    "read behind flash": (READ, lambda at: at.flash.end, "0 bytes behind the end of the board's 1024 KB of flash"),
    "store to flash": (WRITE, lambda at: at.flash.origin + 2048, "a store to the board's flash"),
    "store to code": (WRITE, lambda at: at.flash.end - 4, "a store to the board's flash"),
}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("what", BEYOND)
def test_memory_ends_where_the_board_s_does(images: Callable[[str], Path], core: str, what: str) -> None:
    case, address, text = BEYOND[what]
    at = address(engine().layout(board_with(core)))
    error = failure(images(core), core, case, at)
    assert error.reason.startswith(f"BusFault: PRECISERR: data access that nothing answers at address {at:#010x} (")
    assert f"{text}), in run_case+" in error.reason


@pytest.mark.parametrize("core", CORES)
def test_the_last_words_of_the_board_s_memory_are_there(images: Callable[[str], Path], core: str) -> None:
    at = engine().layout(board_with(core))
    for case, address in ((READ, at.ram.end - 4), (WRITE, at.ram.end - 4), (READ, at.flash.end - 4)):
        assert failure(images(core), core, case, address).reason.startswith("main() returned")


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m7"])
def test_a_write_through_a_null_pointer_is_a_fault(images: Callable[[str], Path], core: str) -> None:
    assert "at address 0x00000000 (a store to the board's flash)" in failure(images(core), core, WRITE, 0).reason


@pytest.mark.parametrize("core", ["cortex-m33", "cortex-m55"])
def test_the_stack_limit_register_is_obeyed(images: Callable[[str], Path], core: str) -> None:
    error = failure(images(core), core, 26, 0x11111111)
    assert "STKOF" in error.reason
    assert "near fail_overflow+" in error.reason
    assert any(line.startswith("? fail_overflow+") for line in backtrace(error))


def test_a_handler_is_unwound_through_the_exception(images: Callable[[str], Path]) -> None:
    trace = backtrace(failure(images("cortex-m4"), "cortex-m4", 23))
    names = [line.split("+")[0] for line in trace]
    assert names[:5] == ["svc_inner", "SVC_Handler", "-- exception --", "fail_lr", "run_case"]


def test_a_smashed_stack_is_told_apart(images: Callable[[str], Path]) -> None:
    error = failure(images("cortex-m4"), "cortex-m4", 22)
    assert "fail_smashed+" in error.reason
    assert "the return address is 0xa5a5a5a5: the stack is overwritten" in error.report


def test_a_spinning_firmware_is_stopped_by_its_budget(images: Callable[[str], Path]) -> None:
    with started(images("cortex-m4"), "cortex-m4", 14) as machine:
        with pytest.raises(NotSeen) as caught:
            machine.console.expect("never", within="200 ms")
        assert machine.time == pytest.approx(0.2, abs=1e-6)
        assert backtrace(caught.value)[0].startswith("fail_spin+")
        machine.run("100 ms")  # not seen is no end: the firmware may go on
        assert machine.time == pytest.approx(0.3, abs=1e-6)


def test_unaligned_trap(images: Callable[[str], Path]) -> None:
    assert "UNALIGNED" in failure(images("cortex-m4"), "cortex-m4", 7).reason


def test_a_failure_is_final(images: Callable[[str], Path]) -> None:
    with started(images("cortex-m4"), "cortex-m4", 1) as machine:
        for _ in range(2):
            with pytest.raises(FirmwareFailure, match="UNDEFINSTR"):
                machine.run(1)


@pytest.mark.parametrize("what", ["killed", "stopped and killed"])
def test_a_killed_engine_fails_the_test(images: Callable[[str], Path], what: str) -> None:
    with started(images("cortex-m4"), "cortex-m4", 14) as machine:
        machine.run("10 ms")
        pid = machine._session.pid  # type: ignore[attr-defined]
        if what != "killed":
            os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(FirmwareFailure, match="QEMU ended with signal SIGKILL") as caught:
            machine.run("10 ms")
        assert "board time" in caught.value.report


def test_a_host_that_does_not_let_the_engine_run_is_waited_for(
    images: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.engines.qemu.waiting._STUCK_AFTER", 0.3)
    with started(images("cortex-m4"), "cortex-m4", 14) as machine:
        machine.run("10 ms")
        pid = machine._session.pid  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)  # all its threads stand: it may not be done before
        later = Timer(1.0, os.kill, (pid, signal.SIGCONT))
        later.start()
        machine.run("10 ms")
        later.join()
        assert machine.time == pytest.approx(0.02, abs=1e-6)


def test_a_core_that_stops_while_it_is_looked_at_is_not_stuck(
    images: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(pid: int) -> bool:
        """QEMU did not run until now; it comes to its stop, and sleeps."""
        os.kill(pid, signal.SIGCONT)
        while not asleep(pid):
            time.sleep(0.001)
        return True

    monkeypatch.setattr("sim.engines.qemu.waiting.asleep", late)
    with started(images("cortex-m4"), "cortex-m4", 14) as machine:
        machine.run("10 ms")
        os.kill(machine._session.pid, signal.SIGSTOP)  # type: ignore[attr-defined]
        machine.run("10 ms")
        assert machine.time == pytest.approx(0.02, abs=1e-6)


def test_the_firmware_may_have_its_own_handler(tmp_path: Path) -> None:
    elf = compiled(tmp_path, "cortex-m4", ["recover.c"])
    with started(elf, "cortex-m4", 1, on_fault="run") as machine:
        machine.console.expect("recovered 3", within="10 ms")
    with started(elf, "cortex-m4", 1) as machine, pytest.raises(FirmwareFailure, match="DIVBYZERO"):
        machine.console.expect("recovered 3", within="10 ms")


@pytest.mark.parametrize("core", CORES)
def test_an_overflow_can_be_left_to_the_firmware(tmp_path: Path, core: str) -> None:
    """The stack pointer leaves the RAM, a store there faults, the core cannot store its registers: as on hardware."""
    elf = compiled(tmp_path, core, ["overflowed.c"])
    for check in (False, True):
        machine = Machine.started(elf, board_with(core), engine(), on_fault="run", check_stack=check)
        with machine, contextlib.ExitStack() as ends:
            if check:  # asked for by itself, it ends the run all the same
                ends.enter_context(pytest.raises(FirmwareFailure, match="stack overflow"))
            machine.console.expect("no frame", within="10 ms")
    with started(elf, core, 0) as machine, pytest.raises(FirmwareFailure, match="stack overflow"):
        machine.console.expect("no frame", within="10 ms")


def test_one_handler_for_everything(tmp_path: Path) -> None:
    """An image whose interrupts go through the same handler as its faults runs on; its fault is seen."""
    elf = compiled(tmp_path, "cortex-m4", ["shared.c"], name="shared")
    with started(elf, "cortex-m4", 0) as machine:
        machine.console.expect("5 ticks", within="10 ms")
    with started(elf, "cortex-m4", 1) as machine, pytest.raises(FirmwareFailure, match="UNDEFINSTR") as caught:
        machine.console.expect("9 ticks", within="10 ms")
    assert "5 ticks" in caught.value.report


def test_without_debug_information(images: Callable[[str], Path], tmp_path: Path) -> None:
    elf = compiled(tmp_path, "cortex-m4", ["faults.c"], flags=["-g0", "-fno-asynchronous-unwind-tables"], name="bald")
    trace = backtrace(failure(elf, "cortex-m4", 2))
    names = [line.removeprefix("? ").split("+")[0] for line in trace]
    assert names == ["fail_bus_read", "run_case", "main", "Reset_Handler"]
    assert trace[-1].startswith("? ")
