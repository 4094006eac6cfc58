"""Ctrl-C at any moment: no process and no temporary file is left, and the next call works."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bare import engine
from bench import SPIN, bench_elf, processes_with, wait_for

from sim.paths import cache_root, data_root

MODEL = data_root() / "models" / "gesture" / "gesture.tflite"


def leftovers(cache: Path) -> list[Path]:
    """Files that only a build at work may have."""
    found = list((cache / "tmp").glob("*")) if (cache / "tmp").is_dir() else []
    found += [p for p in cache.rglob(".*") if p.is_file() and not p.name.startswith(".ninja")]
    return found + list((cache / "arena").glob("*.elf")) + list((cache / "probe").glob("tmp*"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with nothing in it but TFLM itself, which takes a minute to compile."""
    engine()
    done = subprocess.run(
        [sys.executable, "-m", "sim", "invoke", str(MODEL)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shutil.copytree(cache_root() / "tflm", tmp_path / "cache" / "tflm")
    return tmp_path / "cache"


@pytest.mark.slow
def test_twenty_times_at_random(tmp_path: Path, cache: Path) -> None:
    environment = {**os.environ, "BOARDLESS_CACHE": str(cache)}
    command = [sys.executable, "-m", "sim", "invoke", str(MODEL), "--outputs", "y.npy", "--json", "r.json"]
    dice = random.Random(20)
    codes = []
    for _ in range(20):
        running = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with running:
            time.sleep(dice.uniform(0.3, 3.0))
            running.send_signal(signal.SIGINT)
            _out, err = running.communicate(timeout=60)
        codes.append(running.returncode)
        assert running.returncode in (0, 130, -signal.SIGINT), err
        if running.returncode == 130:
            assert err.strip().splitlines()[-1] == "boardless invoke: stopped"
            assert "Traceback" not in err
        end = time.monotonic() + 5
        while (left := processes_with(str(cache))) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []
        assert leftovers(cache) == []
        # Results are whole or not there.
        assert not list(tmp_path.glob(".y*")) + list(tmp_path.glob(".r*"))
        if dice.random() < 0.3:  # now and then all over again
            for name in ("build", "arena", "firmware"):
                shutil.rmtree(cache / name, ignore_errors=True)
    assert 130 in codes
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert leftovers(cache) == []


def test_while_the_firmware_runs(tmp_path: Path) -> None:
    elf = bench_elf(tmp_path, SPIN)
    command = [sys.executable, "-m", "sim", "run", str(elf), "--for", "10 h"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_for("QEMU", lambda: any("-kernel" in line for line in processes_with(str(elf))))
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert err == "boardless run: stopped\n"
    wait_for("the end of QEMU", lambda: not processes_with(str(elf)), 5)
