"""`boardless run --gdb`: a debugger on a socket of the run's own, a real one and a minimal one."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bare import engine
from bench import processes_with, wait_for
from native import STM32, native_elf

from sim.elf import load_elf


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    engine()
    return native_elf(tmp_path_factory.mktemp("native"), flags=["-DSAYS"])


@contextmanager
def waiting(image: Path, tmp_path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], list[str], Path]]:
    """The command as it waits: its process, the words of the line to type, the socket."""
    done = subprocess.Popen(
        [sys.executable, "-m", "sim", "run", str(image), "--board", STM32, "--gdb", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(short(tmp_path))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert done.stdout is not None
        words = shlex.split(done.stdout.readline())
        found = re.fullmatch(r"target remote (\S+)", words[-1])
        assert found, words
        yield done, words, Path(found[1])
    finally:
        done.kill()
        done.communicate()


def short(tmp_path: Path) -> Path:
    """A folder for sockets, whose paths must not be long; those of pytest are under xdist. It goes with the test."""
    link = tmp_path / "short"
    if not link.is_symlink():
        link.symlink_to(tempfile.mkdtemp(prefix="bl-"))
    return link.readlink()


@pytest.fixture(autouse=True)
def _short_goes_too(tmp_path: Path) -> Iterator[None]:
    yield
    if (tmp_path / "short").is_symlink():
        shutil.rmtree(short(tmp_path), ignore_errors=True)


class Client:
    """As much of GDB's remote protocol as it takes to look at a core and let it run."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))

    def send(self, text: str) -> None:
        self._socket.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())

    def ask(self, text: str) -> str:
        self.send(text)
        return self.answer()

    def answer(self) -> str:
        data = b""
        while not re.search(rb"\$[^#]*#..", data):
            piece = self._socket.recv(4096)
            assert piece, f"the other side has gone after {data!r}"
            data += piece
        with contextlib.suppress(BrokenPipeError):  # it has gone after its last answer
            self._socket.sendall(b"+")
        found = re.search(rb"\$([^#]*)#", data)
        assert found
        return found[1].decode()

    def register(self, number: int) -> int:
        words = self.ask("g")
        return int.from_bytes(bytes.fromhex(words[8 * number : 8 * number + 8]), "little")

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        self.close()


def test_a_debugger_stops_looks_and_lets_go(image: Path, tmp_path: Path) -> None:
    elf = load_elf(image)
    with waiting(image, tmp_path, "--for", "2 ms") as (done, words, path):
        assert words[1] == str(image)
        assert path.parent.stat().st_mode & 0o77 == 0, "nobody else may enter"
        client = Client(path)
        assert client.ask("?").startswith("T05")
        assert client.register(15) == elf.functions["Reset_Handler"], "in front of the first instruction"
        where = elf.functions["busy"]
        assert client.ask(f"Z0,{where:x},2") == "OK"
        assert client.ask("c").startswith("T05")
        assert client.register(15) == where
        state = elf.symbols["g_state"].address
        for round_ in range(3):
            assert client.ask(f"m{state:x},4") == f"{max(round_ - 1, 0):02x}000000"
            for request in (f"z0,{where:x},2", "s", f"Z0,{where:x},2", "c"):  # as GDB does it: step off, go on
                assert client.ask(request)[:3] in ("OK", "T05")
        assert client.ask(f"z0,{where:x},2") == "OK"
        assert client.ask("D") == "OK"
        client.close()
        out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert "ready" in out
    assert "in 0.002 s of board time" in out, "board time stood still with the core"
    assert not path.parent.exists()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_all(image: Path, tmp_path: Path, how: signal.Signals, code: int) -> None:
    for attached in (False, True):
        with waiting(image, tmp_path) as (done, _, path):
            client = Client(path) if attached else None
            if client:
                client.send("c")
            done.send_signal(how)
            _, err = done.communicate(timeout=60)
            assert done.returncode == code
            assert "stopped" in err
            if client:
                client.close()
        assert not path.parent.exists()
        wait_for("QEMU's end", lambda path=path: not processes_with(str(path)))


def test_a_real_debugger(image: Path, tmp_path: Path) -> None:
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("gdb-multiarch is not installed")
    with waiting(image, tmp_path) as (done, words, path):
        assert words[0] == "gdb-multiarch"
        commands = [
            "break busy",
            "continue",
            "continue",
            "backtrace",
            "print seed",
            "watch g_state",
            "continue",
            "kill",
        ]
        more = [word for command in commands for word in ("-ex", command)]
        gdb = subprocess.run([*words, "-nx", "-batch", *more], capture_output=True, text=True, check=False, timeout=120)
        out, err = done.communicate(timeout=60)
    assert "#0  busy (seed=" in gdb.stdout
    assert "$1 = 1" in gdb.stdout
    assert "New value = 1" in gdb.stdout
    assert done.returncode == 0, err
    assert "of board time" in out
    assert not path.parent.exists()


def test_the_line_is_out_of_the_way_of_json(image: Path, tmp_path: Path) -> None:
    done = subprocess.Popen(
        [sys.executable, "-m", "sim", "run", str(image), "--board", STM32, "--gdb", "--json", "-", "--for", "1 ms"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(short(tmp_path))},
    )  # fmt: skip
    try:
        assert done.stderr is not None
        client = Client(Path(shlex.split(done.stderr.readline())[-1].removeprefix("target remote ")))
        assert client.ask("D") == "OK"
        out, _ = done.communicate(timeout=60)
        assert out.startswith("{")
        client.close()
    finally:
        done.kill()
        done.communicate()


def test_a_path_too_long_for_a_socket(image: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", str(image), "--board", STM32, "--gdb"], capture_output=True, text=True,
        check=False, env={**os.environ, "TMPDIR": str(folder)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "too long for a socket\n  set TMPDIR" in done.stderr
    assert list(folder.iterdir()) == []
