"""Firmware is built, sized by running it, fits or says why not, and is the same wherever it is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import Memory
from sim.errors import BuildError, FirmwareFailure, UsageError
from sim.firmware import Firmware, build
from sim.firmware.toolchain import find_toolchain
from sim.machine import Machine
from sim.paths import cache_root, data_root
from sim.settings import Settings
from sim.target import Target

REPOSITORY = Path(__file__).parents[2]
COUNT = """#include "app.h"
int main() {
  boardless::Model model("count");
  %s
  boardless::finish();
}
"""


@pytest.fixture(scope="module")
def target() -> Target:
    return Target.of(Settings())


def own_app(folder: Path, body: str = "", more: str = "") -> Path:
    folder.mkdir()
    (folder / "app.toml").write_text(f'model = "hello"\n{more}', encoding="utf-8")
    (folder / "own.cc").write_text(COUNT % body, encoding="utf-8")
    return folder


def run(firmware: Firmware, target: Target) -> Machine:
    """Run to the end; the machine is closed, what it heard stays."""
    with Machine.started(firmware.elf, target.board, target.engine, layout=firmware.layout) as machine:
        assert machine.run_to_exit() == 0
    return machine


def test_sizes_are_what_the_linker_put_there(target: Target) -> None:
    firmware = target.build("hello")
    said = subprocess.run(
        [f"{find_toolchain().prefix}readelf", "-SWl", firmware.elf], capture_output=True, text=True, check=True
    ).stdout
    load = [int(m[1], 16) for m in re.finditer(r"LOAD +0x\w+ 0x\w+ 0x\w+ (0x\w+)", said)]
    section = {m[1]: int(m[2], 16) for m in re.finditer(r"\] (\.\w+) +\w+ +\w+ \w+ (\w+)", said)}
    assert firmware.flash == sum(load)
    assert firmware.ram_static == section[".data"] + section[".bss"]
    assert firmware.arena_reserved == section[".arena"] == firmware.arena_smallest
    assert section[".stack"] == 8192
    assert firmware.symbols["__stack_limit"].address == target.layout.ram.origin


def test_symbols_by_linker_name_and_by_readable_name(target: Target) -> None:
    firmware = target.build("hello")
    assert firmware.symbol("boardless_invoke").size > 0
    assert firmware.symbol("boardless::Model::invoke").name == "_ZN9boardless5Model6invokeEv"
    with pytest.raises(UsageError, match="no symbol 'boardless_invok'") as error:
        firmware.symbol("boardless_invok")
    assert "boardless_invoke" in error.value.hint


def test_the_smallest_arena_runs_and_one_step_less_does_not(target: Target) -> None:
    smallest = target.build("hello").arena_smallest
    assert smallest
    enough = build("hello", target.board, target.layout, tree=target.tree, arena=smallest)
    with target.boot(enough.elf) as machine:
        assert machine.wait_for_decision(label="positive").score > 0.1
    small = build("hello", target.board, target.layout, tree=target.tree, arena=smallest - 16)
    said = rf"does not start with an arena of {smallest - 16} bytes: \S+"
    with pytest.raises(FirmwareFailure, match=said), target.boot(small.elf):
        pass


def test_what_was_built_is_not_built_again(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    first = target.build("hello")

    def never(*args: object, **named: object) -> None:
        raise AssertionError("a program was run")

    monkeypatch.setattr("sim.firmware.workshop.run", never)
    again = target.build("hello")
    assert (again.elf, again.sha256) == (first.elf, first.sha256)


def test_an_error_in_the_users_app_begins_with_the_compilers_own_line(target: Target, tmp_path: Path) -> None:
    folder = own_app(tmp_path / "count", "int x = nonsense;")
    with pytest.raises(BuildError) as error:
        target.build(folder)
    lines = error.value.message.splitlines()
    errors = [line for line in lines if "error:" in line]
    assert errors[0].startswith(f"{folder}/own.cc:4:11: error: 'nonsense' was not declared")
    assert lines.index(errors[0]) <= 1  # before it only: In function 'int main()'
    assert "app count does not compile" in error.value.hint
    (folder / "own.cc").write_text(COUNT % "", encoding="utf-8")
    assert run(target.build(folder), target).port.app == "count"


def test_a_range_with_a_fraction_does_not_compile(target: Target, tmp_path: Path) -> None:
    """0.4 would be cut to 0, which is the widest."""
    folder = own_app(tmp_path / "narrow", 'boardless::Sensor meter("current", 100000, 0.4);')
    with pytest.raises(BuildError, match="a range is a whole number"):
        target.build(folder)


def test_a_buffer_for_fewer_channels_than_the_part_has_ends_the_run(target: Target, tmp_path: Path) -> None:
    """An accelerometer's app on a board with a gyroscope, too: it would write behind its buffer."""
    body = """boardless::Sensor imu("imu", 50000);
    int16_t samples[25][%d];
    imu.read(samples, 25);"""
    with pytest.raises(FirmwareFailure, match="imu: 25 samples of 6 channels, 12 bytes each: the buffer has 150 bytes"):
        run(target.build(own_app(tmp_path / "three", body % 3)), target)
    run(target.build(own_app(tmp_path / "six", body % 6)), target)


def test_a_name_that_the_linker_does_not_find(target: Target, tmp_path: Path) -> None:
    folder = own_app(tmp_path / "count", "extern int gone(); gone();")
    with pytest.raises(BuildError, match=r"undefined reference to `gone\(\)'"):
        target.build(folder)


def test_stack_and_heap_as_the_app_asks(target: Target, tmp_path: Path) -> None:
    body = 'char* text = new char[3000]; text[0] = 1; bl_info("heap", text[0]); delete[] text;'
    firmware = target.build(own_app(tmp_path / "count", body, "stack = 4096\nheap = 4096\n"))
    at = {name: s.address for name, s in firmware.symbols.items()}
    assert at["__stack_top"] - at["__stack_limit"] == 4096
    assert at["__heap_end"] - at["__heap_start"] >= 4096
    assert run(firmware, target).port.info["heap"] == 1


def test_out_of_heap_is_said(target: Target, tmp_path: Path) -> None:
    folder = own_app(tmp_path / "count", 'char* t = new char[1 << 24]; bl_info("heap", t[0]);')
    with pytest.raises(FirmwareFailure, match="out of heap"):
        run(target.build(folder), target)


def test_log_text_is_formatted_as_printf_does(target: Target, tmp_path: Path) -> None:
    body = (
        r'boardless_log("%d|%5u|%-4x|%08lX|%s|%c|%%|%.3f|%6.2f|%lld|%p|%+d|%.2s|%5s|\n", -42, 7u, 255u, 48879ul,'
        " \"text\", 'z', -3.14159, 2.5, -5000000000ll, reinterpret_cast<void*>(0x10), 5, " + '"abcdef", "r");'
    )
    machine = run(target.build(own_app(tmp_path / "count", body)), target)
    expected = "-42|    7|ff  |0000BEEF|text|z|%|-3.142|  2.50|-5000000000|0x00000010|+5|ab|    r|"
    assert expected in machine.console.text


def test_too_large_for_the_ram(target: Target) -> None:
    small = replace(target.board, ram=Memory(target.board.ram.origin, 10_000))
    layout = replace(target.layout, ram=Memory(target.layout.ram.origin, 10_000))
    with pytest.raises(BuildError, match=r"needs (\d+) bytes of RAM, \w+ has 10000: (\d+) too many") as error:
        build("hello", small, layout, tree=target.tree)
    need, over = map(int, re.findall(r"needs (\d+).*: (\d+) too many", error.value.message)[0])
    assert need - over == 10_000
    assert "stm32f4_discovery" in error.value.hint
    enough = replace(target.layout, ram=Memory(target.layout.ram.origin, need))
    assert build("hello", small, enough, tree=target.tree).arena_reserved
    less = Memory(enough.ram.origin, need - 8)
    with pytest.raises(BuildError, match=": 8 too many"):
        build("hello", replace(small, ram=less), replace(enough, ram=less), tree=target.tree)


def test_too_large_for_the_flash(target: Target) -> None:
    small = replace(target.board, flash=Memory(target.board.flash.origin, 20_000))
    layout = replace(target.layout, flash=Memory(target.layout.flash.origin, 20_000))
    with pytest.raises(BuildError, match=r"needs \d+ bytes of flash, \w+ has 20000"):
        build("hello", small, layout, tree=target.tree)


@pytest.mark.parametrize("arena", [-16, 17])
def test_absurd_arenas_are_refused(target: Target, arena: int) -> None:
    with pytest.raises(UsageError, match="must be a multiple of 16"):
        build("hello", target.board, target.layout, tree=target.tree, arena=arena)


def test_an_app_for_any_model_wants_one(target: Target) -> None:
    with pytest.raises(UsageError, match="which one"):
        target.build("invoke")


@pytest.mark.slow
def test_several_at_once(target: Target, tmp_path: Path) -> None:
    folder = own_app(tmp_path / "count", f'bl_info("me", {os.getpid()});')
    script = (
        "import sys; from pathlib import Path; from sim.target import Target; from sim.settings import Settings;"
        "print(Target.of(Settings()).build(Path(sys.argv[1])).sha256)"
    )

    def one(_: int) -> str:
        return subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1


@pytest.mark.slow
def test_nothing_is_left_behind_by_a_failed_build(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.build("hello")  # so that TFLM is there
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tflm").symlink_to(cache_root() / "tflm")
    monkeypatch.setenv("BOARDLESS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BuildError):
        target.build(own_app(tmp_path / "count", "this is not C++"))
    assert [p.name for p in (tmp_path / "cache" / "tmp").glob("*")] == []
    # The sizing image, which is an app of its own, has been built; it is not kept, and of the app there is nothing.
    kept = [p for name in ("arena", "firmware") for p in (tmp_path / "cache" / name).rglob("*.elf")]
    assert kept == []


def test_without_a_host_it_says_so(target: Target) -> None:
    qemu = shutil.which("qemu-system-arm")
    model = data_root() / "models/hello/hello.tflite"
    firmware = target.build("invoke", model)
    assert qemu
    process = subprocess.Popen(
        [qemu, "-M", target.layout.machine, "-display", "none", "-serial", "stdio", "-kernel", firmware.elf],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"boardless: input 0: nobody gives it\n"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_two_clones_with_two_caches_give_the_same_elf(target: Target, tmp_path: Path) -> None:
    """Compiles TFLM anew: nothing of path or time may be in the image."""
    clone = tmp_path / "a clone"
    for name in ("sim", "firmware", "platforms", "models"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import sim; from sim.target import Target; from sim.settings import Settings;"
        "f = Target.of(Settings()).build('gesture'); print(sim.__file__, f.sha256, f.arena_smallest)"
    )
    environment = os.environ | {"PYTHONPATH": str(clone), "BOARDLESS_CACHE": str(tmp_path / "other cache")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    where, sha256, arena = done.stdout.rsplit(maxsplit=2)
    assert where.startswith(str(clone))
    here = target.build("gesture")
    assert (sha256, int(arena)) == (here.sha256, here.arena_smallest)
