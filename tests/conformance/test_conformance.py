"""Not one silently wrong: bit-equal to the host, or refused before the build with the layer's name."""

from __future__ import annotations

import os
from dataclasses import replace

import goldens
import numpy as np
import pytest

from sim import invoke
from sim.model import Model
from sim.model.check import Refusal, refusals
from sim.settings import Settings
from sim.target import Target
from sim.tflm import TflmTree, tree_for

GOLDENS = goldens.load()
ALL = os.environ.get("BOARDLESS_CONFORMANCE") == "all"
# Today's TFLM computes these without a word, and other than TensorFlow Lite.
HOST_IS_WRONG = {"activation_relu6", "open_batch_conv2d_dilation2"}
# CMSIS-NN has no int16 kernel for a Dense layer with a scale per channel.
CMSIS_NN_REFUSES = {"int16_dense"}
FLOAT = 1e-5  # of the value, or of the output's largest where terms cancel


def model(name: str) -> Model:
    return Model.load(goldens.DATA / f"{name}.tflite")


@pytest.fixture(scope="session")
def tree(settings: Settings) -> TflmTree:
    return tree_for(settings)


@pytest.fixture(scope="session")
def refused(tree: TflmTree, settings: Settings) -> dict[str, tuple[Refusal, ...]]:
    return {n: found for n in goldens.names() if (found := refusals(model(n), tree, settings.kernels))}


@pytest.fixture(scope="session")
def kinds(refused: dict[str, tuple[Refusal, ...]]) -> tuple[str, ...]:
    """The operators of all models that are built."""
    return tuple(sorted({kind for n in goldens.names() if n not in refused for kind in model(n).op_kinds}))


def test_on_the_board(name, board_name, settings, refused, kinds, record_property):
    if found := refused.get(name):
        record_property("refused", f"{found[0].layer}: {found[0].reason}")
        return  # test_refusals_* judge it
    if name not in GOLDENS:
        pytest.skip(f"no golden, the host refuses it: {goldens.refused_by_host()[name]}")
    golden, file = GOLDENS[name], model(name)
    if ALL:
        # One resolver for all models: each is then a link, and nothing is compiled for it (2 to 5 s of CPU time).
        vars(file)["op_kinds"] = kinds
    inputs = [a.reshape(len(a), *a.shape[2:]) if t.shape[:1] == (1,) else a for a, t in zip(
        golden.inputs, file.inputs, strict=True)]  # fmt: skip
    result = invoke(file, inputs, target=Target.of(replace(settings, board=board_name)))
    assert len(result.outputs) == len(golden.outputs)
    for i, (got, wanted) in enumerate(zip(result.outputs, golden.outputs, strict=True)):
        assert got.dtype == wanted.dtype
        got = got.reshape(wanted.shape)
        if wanted.dtype == np.float32:
            largest = float(np.abs(wanted).max(initial=0.0))
            np.testing.assert_allclose(got, wanted, rtol=FLOAT, atol=FLOAT * largest)
        else:
            off = np.argwhere(got != wanted)
            assert len(off) == 0, (
                f"output {i}: {len(off)} of {got.size} values differ, first at {off[0].tolist()}: "
                f"{got[tuple(off[0])]} on the board, {wanted[tuple(off[0])]} on the host"
            )


def test_every_refusal_names_the_layer_and_a_way_out(refused):
    for name, found in refused.items():
        for r in found:
            assert r.layer, name
            assert r.kind, name
            assert r.reason, name
            assert r.remedy, name


def test_refusals_of_the_2020_tree_are_the_known_ones(tree, refused):
    """Each of the list was run all the same, and was wrong, refused by TFLM, hung, or wrong as the host is."""
    if tree.generation != "2020":
        pytest.skip("another tree is set")
    assert sorted(refused) == sorted(goldens.refused_by_2020())


def test_current_tree_refuses_only_what_the_host_refuses(tree, settings, refused):
    if tree.generation != "current":
        pytest.skip("the 2020 tree is set")
    # TFLM's own RELU6 does not rescale, on the host either: there equal to the host is still wrong.
    known = HOST_IS_WRONG | (CMSIS_NN_REFUSES if settings.kernels == "cmsis-nn" else set())
    assert sorted(set(refused) - set(goldens.refused_by_host()) - known) == []


class AnyOperator:
    """A current tree, as far as the check asks one."""

    generation = "current"

    def builtin_ops(self) -> tuple[str, ...]:
        return tuple({o.kind for name in goldens.names() for o in model(name).operators})


@pytest.mark.parametrize("name", sorted(HOST_IS_WRONG))
def test_what_the_host_computes_wrong_is_refused_of_every_tree(name):
    found = refusals(model(name), AnyOperator(), "reference")
    assert any(
        r.reason.startswith(("input and output have unlike scales", "shapes that are known only")) for r in found
    )


def test_there_are_enough_and_they_are_small():
    files = list(goldens.DATA.glob("*.tflite"))
    assert len(files) >= 80
    assert sum(f.stat().st_size for f in files) < 600_000
    assert {f.stem for f in files} == set(GOLDENS) | set(goldens.refused_by_host())
