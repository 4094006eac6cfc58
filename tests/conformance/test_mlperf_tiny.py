"""Two models of MLPerf Tiny, of the size that products ship: bit-equal to TFLM's own host build.

They are no files of ours: looked for in ../shared/mlperf_tiny or BOARDLESS_MLPERF_TINY, with 16 inputs each and what
the host made of them. On one board; on all with BOARDLESS_CONFORMANCE=all.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import invoke
from sim.boards import all_boards
from sim.model import Model
from sim.settings import Settings
from sim.target import Target

MLPERF = Path(os.environ.get("BOARDLESS_MLPERF_TINY") or Path(__file__).parents[3] / "shared" / "mlperf_tiny")
ALL = os.environ.get("BOARDLESS_CONFORMANCE") == "all"


@pytest.mark.slow
@pytest.mark.parametrize("where", [b.name for b in all_boards()] if ALL else [Settings().board])
@pytest.mark.parametrize("name", ["kws_ref_model", "ad01_int8"])
def test_as_on_the_host_bit_by_bit(name: str, where: str, settings: Settings) -> None:
    if not (MLPERF / f"{name}.tflite").is_file():
        pytest.skip(f"{name}.tflite: not in {MLPERF}")
    model, golden = Model.load(MLPERF / f"{name}.tflite"), np.load(MLPERF / f"{name}.golden.npz")
    inputs, wanted = golden["inputs"], golden["tflm_host"]
    (output,) = invoke(model, inputs, target=Target.of(replace(settings, board=where))).outputs
    assert output.dtype == wanted.dtype
    np.testing.assert_array_equal(output.reshape(wanted.shape), wanted)
