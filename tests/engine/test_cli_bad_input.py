"""Bad input to the commands: one clear message, exit code 2, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bare import engine
from bench import bench_elf
from native import native_elf

from sim.cli import main
from sim.model import Model
from sim.paths import cache_root, data_root

MODEL = str(data_root() / "models" / "gesture" / "gesture.tflite")


def said(code: int, err: str, command: str, *parts: str, exit_code: int = 2) -> None:
    """One message of that command, with those parts, and that exit code."""
    assert code == exit_code, err
    assert "Traceback" not in err
    lines = [line for line in err.strip().splitlines() if not line.endswith(" …")]  # progress
    assert lines[0].startswith(f"boardless {command}: "), err
    assert len(lines) <= 4, err
    for part in parts:
        assert part in "\n".join(lines)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with inputs that fit and inputs that do not."""
    engine()
    monkeypatch.chdir(tmp_path)
    shape = Model.load(MODEL).inputs[0].shape
    nan = np.zeros((2, *shape), np.float32)
    nan[1].flat[3] = np.nan
    np.save("good.npy", np.zeros((2, *shape), np.int8))
    np.save("shape.npy", np.zeros((2, 3, 3), np.int8))
    np.save("big.npy", np.full((2, *shape), 300))
    np.save("nan.npy", nan)
    np.save("objects.npy", np.array([{}, []], object))
    np.savez("two.npz", a=np.zeros((2, *shape)), b=np.zeros(3))
    Path("text.npy").write_text("hello")
    Path("cut.npy").write_bytes(Path("good.npy").read_bytes()[:-5])
    Path("cut.npz").write_bytes(Path("two.npz").read_bytes()[:99])
    Path("empty.tflite").touch()
    Path("cut.tflite").write_bytes(Path(MODEL).read_bytes()[:999])
    return tmp_path


def test_a_model_is_no_dump_of_flash(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["measure", MODEL, "--load", "0x08000000"])
    said(code, capsys.readouterr().err, "measure", "--load is for a bare dump of flash")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--inputs", "none.npy"], ["none.npy: no such file"]),
        (["--inputs", "."], [".: not a file"]),
        (["--inputs", "text.npy"], ["text.npy: not a .npy or .npz file"]),
        (["--inputs", "cut.npy"], ["cut.npy: not a .npy"]),
        (["--inputs", "cut.npz"], ["cut.npz: not a .npy or .npz file"]),
        (["--inputs", "objects.npy"], ["pickled Python objects"]),
        (["--inputs", "shape.npy"], ["shape (2, 3, 3) is not [n, 28, 6]"]),
        (["--inputs", "big.npy"], ["values from 300 to 300 are not int8 (-128 to 127)"]),
        (["--inputs", "nan.npy"], ["row 1 has a value that is not finite"]),
        (["--inputs", "two.npz"], ["two.npz: has a, b, but the model's inputs are window"]),
        (["--outputs", "."], ["is a folder"]),
        (["--outputs", "no/y.npy"], ["there is no folder"]),
        (["--json", "no/r.json"], ["no/r.json: cannot be written"]),
        (["--board", "arduino_nano_33_bel"], ["unknown board", "did you mean 'arduino_nano_33_ble'?"]),
        (["--board", "./none"], ["./none: no board there"]),
        (["--engine", "qmeu"], ["unknown engine 'qmeu'", "did you mean 'qemu'?"]),
        (["--tflm", "/nowhere"], ["/nowhere: not a TFLM tree"]),
    ],
)
def test_invoke(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], parts: list[str]) -> None:
    before = sorted(p.name for p in folder.iterdir())
    said(main(["invoke", MODEL, *words]), capsys.readouterr().err, "invoke", *parts)
    assert sorted(p.name for p in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("none.tflite", "none.tflite: No such file"),
        (".", ".: not a file"),
        ("text.npy", "text.npy: not a .tflite"),
        ("empty.tflite", "the file is empty"),
        ("cut.tflite", "cut.tflite: "),
    ],
)
@pytest.mark.parametrize("command", [["invoke"], ["run", "invoke", "--model"], ["build", "invoke", "--model"]])
def test_models(folder: Path, capsys: pytest.CaptureFixture[str], command: list[str], model: str, part: str) -> None:
    said(main([*command, model]), capsys.readouterr().err, command[0], part)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["gestrue"], ["unknown app 'gestrue'", "did you mean 'gesture'"]),
        (["none.elf"], ["none.elf: no such file"]),
        (["./text.npy"], ["not an ELF"]),
        (["."], ["not an app: no app.toml in it"]),
        (["bench.elf", "--model", MODEL], ["a model cannot be put into it"]),
        (["bench.elf", "--play", "runing_07"], ["no recording 'runing_07'", "did you mean 'running_07'"]),
        (["bench.elf", "--play", "text.npy"], ["text.npy"]),
        (["bench.elf", "--play", "running_07", "--sensor", "imo"], ["has no 'imo'", "did you mean 'imu'?"]),
        (["bench.elf", "--play", "running_07", "--board", "stm32f4_discovery", "--sensor", "imu"], []),
        (["bench.elf", "--for", "3 parsec"], ["'3 parsec' is no duration", '"150 ms"']),
        (["bench.elf", "--board", "mps3_an547"], ["is not memory of mps3_an547", "boardless relink"]),
        (["bench.elf", "--json", "no/r.json"], ["no/r.json: cannot be written"]),
    ],
)
def test_run(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], parts: list[str]) -> None:
    bench_elf(folder)
    code = main(["run", *words])
    err = capsys.readouterr().err
    if parts:
        said(code, err, "run", *parts)
    else:
        assert code == 0, err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["gestrue"], "did you mean 'gesture'"),
        (["gesture", "--arena", "100"], "must be a multiple of 16"),
        (["gesture", "-o", "no/f.elf"], "there is no folder"),
        (["gesture", "-o", "."], "is a folder"),
        (["."], "no app.toml in it"),
    ],
)
def test_build(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], part: str) -> None:
    said(main(["build", *words]), capsys.readouterr().err, "build", part)


@pytest.mark.parametrize("words", [[], ["nope"], ["invoke"], ["run"], ["invoke", MODEL, "--kernels", "fast"], ["--bo"]])
def test_wrong_words(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_board_file_with_a_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = (data_root() / "platforms" / "stm32f4_discovery" / "board.toml").read_text(encoding="utf-8")
    (folder / "mine").mkdir()
    for right, wrong, part in [
        ("[flash]", "[flahs]", "flahs"),
        ('core = "cortex-m4"', 'core = "cortex-m44"', "cortex-m44"),
        ("[board]", "[board", "not a TOML file"),
    ]:
        assert right in shipped
        (folder / "mine" / "board.toml").write_text(shipped.replace(right, wrong), encoding="utf-8")
        said(main(["invoke", MODEL, "--board", "./mine"]), capsys.readouterr().err, "invoke", "board.toml", part)


def test_port(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(main(["port", "no"]), capsys.readouterr().err, "port", "no: no such folder")
    Path("boardless_port.h").write_text("mine")
    said(main(["port", "."]), capsys.readouterr().err, "port", "something else of that name is there")
    assert not Path("boardless_port.c").exists()
    Path("boardless_port.h").unlink()
    assert main(["port", "."]) == 0
    Path("boardless_port.c").write_text("/* old */ boardless_mailbox")
    assert main(["port", "."]) == 0
    assert "BL_OP_READY" in Path("boardless_port.c").read_text()


# ---- what is missing on the machine: in a process of its own, with another environment ----


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("echo QEMU emulator version 6.2.0", "QEMU 6.2 is too old"),
        ("echo QEMU emulator version 12.0.50", "QEMU 12.0 is too new"),
        ("echo hello", "does not say that it is QEMU"),
        ("exit 3", "does not say that it is QEMU"),
    ],
)
def test_another_qemu(folder: Path, script: str, part: str) -> None:
    qemu = program(folder, "qemu", script)
    done = run(folder, "invoke", MODEL, BOARDLESS_QEMU=str(qemu))
    said(done.returncode, done.stderr, "invoke", part, "7.2 to 11")


def test_a_qemu_that_dies_at_once(folder: Path) -> None:
    qemu = program(folder, "qemu", '[ "$1" = --version ] && echo QEMU emulator version 8.2.0 || exit 7')
    done = run(folder, "run", str(bench_elf(folder)), BOARDLESS_QEMU=str(qemu))
    said(done.returncode, done.stderr, "run", "did not start mps2-an386", "exit code 7")


def test_no_qemu(folder: Path) -> None:
    done = run(folder, "invoke", MODEL, PATH="/nowhere", BOARDLESS_QEMU="")
    said(done.returncode, done.stderr, "invoke", "qemu-system-arm: not found", "apt install qemu-system-arm")


def test_no_compiler(folder: Path) -> None:
    real = shutil.which("qemu-system-arm")
    assert real
    (folder / "qemu-system-arm").symlink_to(real)
    done = run(folder, "invoke", MODEL, PATH=str(folder))
    said(done.returncode, done.stderr, "invoke", "arm-none-eabi-gcc is not installed", "apt install")


def test_no_tree(folder: Path) -> None:
    """No cargo, and nothing fetched before."""
    real = shutil.which("qemu-system-arm")
    assert real
    (folder / "qemu-system-arm").symlink_to(real)
    moved = {"PATH": str(folder), "HOME": str(folder), "CARGO_HOME": str(folder / "c"), "BOARDLESS_CACHE": str(folder)}
    done = run(folder, "invoke", MODEL, **moved, BOARDLESS_TFLM="")
    said(done.returncode, done.stderr, "invoke", "cargo", 'tflm = "path"')


# ---- disks ----


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 64 KB; skips where none can be mounted."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here (not root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_full_disk_for_the_cache(folder: Path, small_disk: Path) -> None:
    done = run(folder, "invoke", MODEL, BOARDLESS_CACHE=str(small_disk))
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(small_disk.rglob("*.elf"))


def test_full_disk_for_the_results(folder: Path, small_disk: Path) -> None:
    (small_disk / "rest").write_bytes(bytes(64 * 1024))
    for option, name in (("--outputs", "y.npy"), ("--json", "r.json")):
        done = run(folder, "invoke", MODEL, option, str(small_disk / name))
        said(done.returncode, done.stderr, "invoke", f"{name}: cannot be written: No space left on device")
        assert [p.name for p in small_disk.iterdir()] == ["rest"]


def test_read_only_cache(folder: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = run(folder, "invoke", MODEL, BOARDLESS_CACHE=str(small_disk))
    said(done.returncode, done.stderr, "invoke", "cannot", "BOARDLESS_CACHE")
    done = run(folder, "invoke", MODEL, "--outputs", str(small_disk / "y.npy"))
    said(done.returncode, done.stderr, "invoke", "y.npy: cannot be written")


def test_an_app_that_does_not_compile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = folder / "mine"
    shutil.copytree(data_root() / "firmware" / "apps" / "hello", app)
    source = next(app.glob("*.c*"))
    source.write_text(source.read_text() + "\nint broken() { return no_such_thing; }\n")
    code = main(["run", "./mine"])
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" …")]
    assert code == 2
    assert any("error:" in line and "no_such_thing" in line for line in lines[:4]), lines
    assert cache_root().is_dir()


def test_an_image_of_another_core(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would fault when it runs (exit code 1); in commands that start it, and in those that only link it."""
    native_elf(folder, core="cortex-m33", floats="soft", flags=["-Wl,--emit-relocs"])
    what = ["product.elf", "--board", "stm32f4_discovery"]
    for command in (["run", *what], ["measure", *what, "--region", "main"], ["relink", *what]):
        code = main(command)
        said(code, capsys.readouterr().err, command[0], "product.elf is built for another core than the Cortex-M4 of",
             "Armv8-M Mainline", "-mcpu=cortex-m4")  # fmt: skip
    assert not Path("product-twin.elf").exists()
