"""The device's spectrum code, compiled for the host, against the Python that models are trained with: bit for bit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sim.features import log2_q8, log_bands, power_spectrum
from sim.features.spectrum import _sines
from sim.paths import data_root

PROGRAM = """
#include <cstdio>
#include "spectrum.h"
using namespace boardless;
template <uint32_t N> int run() {
  static int16_t x[N];
  static uint64_t power[N / 2 + 1];
  static PowerSpectrum<N> spectrum;
  const int32_t edges[] = {0, 1, 2, 5, 9, N / 8, N / 4, N / 2};
  while (fread(x, 2, N, stdin) == N) {
    spectrum(x, power);
    fwrite(power, 8, N / 2 + 1, stdout);
    for (int b = 0; b < 6; b++) { int32_t v = log_band(power, edges + b); fwrite(&v, 4, 1, stdout); }
  }
  return 0;
}
int main(int argc, char**) { return run<LENGTH>(); }
"""


def compiled(folder: Path, source: str, **defines: int) -> Path:
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler for this machine")
    (folder / "host.cc").write_text(source)
    flags = [f"-D{name}={value}" for name, value in defines.items()]
    runtime = data_root() / "firmware" / "runtime"
    subprocess.run(
        [compiler, "-std=gnu++17", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover", f"-I{runtime}", *flags,
         str(folder / "host.cc"), "-o", str(folder / "host")], check=True)  # fmt: skip
    return folder / "host"


def windows(length: int) -> np.ndarray:
    rng = np.random.default_rng(length)
    t = np.arange(length)
    rows = [rng.integers(-32768, 32768, length) for _ in range(5)]
    rows += [rng.normal(0, s, length) for s in (0.4, 3, 300)]
    rows += [np.full(length, 32767), np.where(t % 2, 32767, -32768), np.where(t < length // 2, -32768, 32767)]
    rows += [np.zeros(length), np.full(length, -1), 12000 * np.sin(2 * np.pi * 7.3 * t / length)]
    return np.clip(np.rint(rows), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("length", [64, 512, 1024, 2048])
def test_the_same_in_both_languages(length: int, tmp_path: Path) -> None:
    program = compiled(tmp_path, PROGRAM, LENGTH=length)
    x = windows(length)
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    bins = length // 2 + 1
    rows = np.frombuffer(done.stdout, np.uint8).reshape(len(x), bins * 8 + 6 * 4)
    power = power_spectrum(x)
    assert np.array_equal(rows[:, : bins * 8].copy().view("<u8"), power)
    edges = [0, 1, 2, 5, 9, length // 8, length // 4, length // 2]
    assert np.array_equal(rows[:, bins * 8 :].copy().view("<i4"), log_bands(power, edges))


@pytest.mark.parametrize("length", [64, 512, 2048])
def test_it_is_a_spectrum(length: int) -> None:
    x = windows(length)[:5]
    hann = np.sin(np.pi * np.arange(length) / length) ** 2
    if length == 2048:
        hann = np.sin(np.pi * (np.arange(length) // 2) / 1024) ** 2  # the table has 2048 steps a turn
    true = np.abs(np.fft.rfft((x - np.trunc(x.mean(axis=1, keepdims=True))) * hann, axis=1))
    got = np.sqrt(power_spectrum(x).astype(float))
    assert np.abs(got - true).max() < 1e-3 * true.max()


def test_log2() -> None:
    x = np.array([0, 1, 2, 3, 255, 256, 12345678, (1 << 63) + 5, (1 << 64) - 1], np.uint64)
    got = log2_q8(x)
    assert got[0] == 0
    wanted = np.floor(256 * np.log2(x[1:].astype(float)))
    assert np.abs(got[1:] - wanted).max() <= 1
    assert got[1:4].tolist() == [0, 256, 405]


def test_the_table_is_of_the_sine() -> None:
    assert np.abs(_sines() - 32767 * np.sin(2 * np.pi * np.arange(2048) / 2048)).max() <= 0.5


def test_a_window_has_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="power of two"):
        power_spectrum(np.zeros((1, 100), np.int16))
