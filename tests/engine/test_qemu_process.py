"""The QEMU process: shut in, and gone without a trace however the run ends."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from bare import HERE, board_with, compiled, engine

from sim.elf import load_elf
from sim.engines.protocol import Image
from sim.engines.qemu import QemuEngine
from sim.engines.qemu.program import can_guard, find_qemu, has_sandbox
from sim.errors import FirmwareFailure, SetupError
from sim.machine import Machine
from sim.settings import Settings

CORE = "cortex-m4"
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks into /proc")


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("process"), CORE, ["faults.c"])


@pytest.fixture
def machine(firmware: Path) -> Iterator[Machine]:
    machine = Machine.started(firmware, board_with(CORE), engine())
    machine.write("bare_case", 14)
    machine.run("1 ms")
    yield machine
    machine.close()


def pid_of(machine: Machine) -> int:
    pid: int = machine._session.pid  # type: ignore[attr-defined]
    return pid


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    with suppress(OSError):
        return proc(pid, "stat").rpartition(")")[2].split()[0] != "Z"
    return False


def gone_within(seconds: float, check: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not check():
            return True
        time.sleep(0.02)
    return False


# ---- shut in ----


def test_no_way_out_on_the_command_line(machine: Machine) -> None:
    words = proc(pid_of(machine), "cmdline").split("\0")
    pairs = list(pairwise(words))
    for pair in (("-nic", "none"), ("-monitor", "none"), ("-display", "none")):
        assert pair in pairs
    assert "-nodefaults" in words
    assert "-no-user-config" in words
    for forbidden in ("semihosting", "tcp:", "udp:", "telnet", "-s", "-gdb", "-net", "-netdev", "hostfwd", "virtfs",
                      "fsdev", "-drive", "-hda", "-sd", "pipe:", "-vnc", "spice"):  # fmt: skip
        assert not any(forbidden in w if len(forbidden) > 3 else forbidden == w for w in words), forbidden


def test_the_sandbox_is_on(machine: Machine) -> None:
    if not has_sandbox(find_qemu(replace(Settings.load(), engine="qemu"))):
        pytest.skip("this QEMU has no sandbox")
    status = dict(line.split(":", 1) for line in proc(pid_of(machine), "status").splitlines())
    assert status["Seccomp"].strip() == "2"
    assert status["NoNewPrivs"].strip() == "1"


def test_it_listens_nowhere(machine: Machine) -> None:
    pid = pid_of(machine)
    sockets = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = str(fd.readlink())
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
    assert sockets  # the probe's and the monitor's, both pairs without a name
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "packet"):
        path = Path(f"/proc/{pid}/net/{table}")
        if path.exists():
            assert not sockets & set(path.read_text(encoding="ascii").split()), table


def test_it_knows_little_of_its_surroundings(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {v.split("=")[0] for v in proc(pid_of(machine), "environ").split("\0") if v}
    assert names - {"PWD", "SHLVL", "_"} == {"PATH", "LANG"}  # a shell around QEMU adds its own
    assert Path(f"/proc/{pid_of(machine)}/cwd").readlink() == Path("/")


def test_the_kernel_limits_it(machine: Machine) -> None:
    limits = {line[:26].strip(): line[26:].split() for line in proc(pid_of(machine), "limits").splitlines()[1:]}
    assert int(limits["Max file size"][0]) <= 64 << 20
    assert int(limits["Max core file size"][0]) == 0
    assert int(limits["Max address space"][0]) <= 8 << 30


def test_without_a_sandbox_it_runs_all_the_same(firmware: Path, tmp_path: Path) -> None:
    """A build without seccomp refuses the option; what it says is QEMU's own text."""
    real = find_qemu(replace(Settings.load(), engine="qemu"))
    wrapper = tmp_path / "qemu-system-arm"
    wrapper.write_text(
        '#!/bin/sh\nfor a; do if [ "$a" = -sandbox ]; then\n'
        "echo \"qemu-system-arm: -sandbox on: There is no option group 'sandbox'\" >&2; exit 1\nfi; done\n"
        f'exec {real} "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    assert has_sandbox(wrapper) is False
    qemu = QemuEngine(replace(Settings.load(), engine="qemu", qemu=str(wrapper)))
    for _ in range(2):
        with Machine.started(firmware, board_with(CORE), qemu) as machine:
            assert "-sandbox" not in proc(pid_of(machine), "cmdline").split("\0")
            machine.write("bare_case", 14)
            machine.console.expect("up", within="10 ms")


def test_a_qemu_that_exports_nothing_is_told_apart(tmp_path: Path) -> None:
    """A program without QEMU's functions, for one; and the one that every other test runs on."""
    compiler = shutil.which("cc") or pytest.skip("no host compiler")
    source, program = tmp_path / "p.c", tmp_path / "p"
    source.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    subprocess.run([compiler, str(source), "-o", str(program)], check=True)
    assert can_guard(program) is False
    assert can_guard(find_qemu(replace(Settings.load(), engine="qemu"))) is True


# ---- a QEMU that does not start ----


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("exit 3", "exit code 3"),
        ("echo 'qemu: could not load the probe' >&2; exit 1", "could not load the probe"),
        ("kill -9 $$", "SIGKILL"),
    ],
)
@pytest.mark.slow
def test_a_qemu_that_does_not_start(firmware: Path, tmp_path: Path, script: str, text: str) -> None:
    broken = tmp_path / "qemu-system-arm"
    broken.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo "QEMU emulator version 7.2.0"; exit 0; fi\n{script}\n',
        encoding="utf-8",
    )
    broken.chmod(0o755)
    qemu = QemuEngine(replace(Settings.load(), engine="qemu", qemu=str(broken)))
    before = descriptors()
    with pytest.raises(SetupError, match="did not start mps2-an386") as caught:
        Machine.started(firmware, board_with(CORE), qemu)
    assert text in str(caught.value)
    gc.collect()
    assert descriptors() == before


# ---- nothing left ----


def test_close_ends_it_and_may_be_called_twice(machine: Machine) -> None:
    pid = pid_of(machine)
    machine.close()
    machine.close()
    assert not alive(pid)


def test_an_exception_in_a_test_ends_it(firmware: Path) -> None:
    pids = []

    def test() -> None:
        with Machine.started(firmware, board_with(CORE), engine()) as machine:
            pids.append(pid_of(machine))
            assert alive(pids[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        test()
    assert not alive(pids[0])


def test_forgotten_machines_end_when_they_are_collected(firmware: Path) -> None:
    machine = Machine.started(firmware, board_with(CORE), engine())
    pid = pid_of(machine)
    del machine
    gc.collect()
    assert gone_within(2, lambda: alive(pid))


@pytest.mark.slow
def test_two_hundred_boots_leave_nothing(firmware: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    elf, board, qemu = load_elf(firmware), board_with(CORE), engine()

    def boots(n: int) -> None:
        for i in range(n):
            with Machine.started(elf, board, qemu) as machine:
                machine.write("bare_case", 14 + i % 5)
                with suppress(FirmwareFailure):
                    machine.console.expect("never", within="1 ms")

    def resident() -> int:
        gc.collect()
        return int(proc(os.getpid(), "statm").split()[1]) * resource.getpagesize()

    boots(20)
    fds, memory = descriptors(), resident()
    boots(200)
    assert descriptors() == fds
    assert resident() - memory < 20e6
    # The engine's shared memory is of the process; what others have in /dev/shm is theirs.
    assert not list(Path("/dev/shm").glob("*boardless*"))
    assert not list(tmp_path.iterdir())


_CHILD = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from bare import board_with, engine
from sim.machine import Machine
elf, mode = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
while True:
    with Machine.started(elf, board_with({core!r}), engine()) as machine:
        machine.write("bare_case", 14)
        machine.run("1000 s" if mode == "run" else "1 ms")
"""


def in_session(session: int) -> list[int]:
    """Living processes of a session."""
    out = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                fields = proc(int(folder.name), "stat").rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] != "Z":
                    out.append(int(folder.name))
    return out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("mode", ["run", "boot"])
@pytest.mark.parametrize("after", [0.0, 0.013, 0.04, 0.11, 0.5])
@pytest.mark.slow
def test_python_ends_qemu_ends(firmware: Path, tmp_path: Path, how: signal.Signals, mode: str, after: float) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(here=str(HERE.parent), core=CORE), str(firmware), mode],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(after)
        child.send_signal(how)
        child.wait(10)
        assert child.returncode != 0
        assert gone_within(1.0 if how != signal.SIGKILL else 2.0, lambda: bool(in_session(child.pid)))
        assert not list(tmp_path.iterdir())
    finally:
        for pid in in_session(child.pid):
            os.kill(pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def test_session_start_needs_no_machine(firmware: Path) -> None:
    """An engine's session is closed by its own close(), whatever happened to it before."""
    elf = load_elf(firmware)
    running = engine().start(Image(firmware, engine().layout(board_with(CORE)), elf.functions))
    running.resume(1000)
    running.close()
    running.close()
