"""Inputs from arrays and files, outputs to files: what fits, and one clear error for everything that does not."""

from __future__ import annotations

import io
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from sim.errors import UsageError
from sim.model.types import Tensor
from sim.tensors_io import load_inputs, rows, save_outputs


def tensor(
    shape: tuple[int, ...] = (1, 2, 3), dtype: str = "int8", scale: float | None = 0.5, zero: int = -3, name: str = "x"
) -> Tensor:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return Tensor(
        index=0, name=name, shape=shape, dtype=dtype, scale=() if scale is None else (scale,),
        zero_point=() if scale is None else (zero,), quantized_dimension=0, constant=False, nbytes=size, data=None,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(4, 1, 2, 3), (4, 2, 3), (4, 6)])
def test_rows_with_or_without_batch_dimension_or_flat(shape: tuple[int, ...]) -> None:
    values = np.arange(24, dtype=np.int8)
    got = rows(values.reshape(shape), tensor())
    assert got.shape == (4, 1, 2, 3)
    assert got.dtype == np.int8
    assert got.ravel().tolist() == values.tolist()


def test_floats_are_quantised_as_the_issue_says() -> None:
    given = np.array([[-1000.0, -0.26, -0.25, 0.25, 0.75, 1000.0]])
    got = rows(given, tensor())[0].ravel()
    assert got.tolist() == np.clip(np.rint(given[0] / 0.5) - 3, -128, 127).tolist() == [-128, -4, -3, -3, -1, 127]


def test_raw_integers_of_any_width_are_taken_as_they_are() -> None:
    for dtype in (np.int8, np.int16, np.int64, np.uint8):
        assert rows(np.full((1, 6), 100, dtype), tensor()).ravel().tolist() == [100] * 6
    assert rows(np.ones((1, 6), bool), tensor()).sum() == 6
    assert rows(np.full((1, 6), 3), tensor(dtype="float32", scale=None)).dtype == np.float32


@pytest.mark.parametrize(
    ("array", "of", "said"),
    [
        (np.zeros((2, 3, 3), np.int8), {}, r"shape \(2, 3, 3\) is not \[n, 2, 3\]"),
        (np.zeros((0, 2, 3), np.int8), {}, "with n > 0"),
        (np.int8(1), {}, r"shape \(\)"),
        (np.array([["a"] * 6]), {}, "is no number"),
        (np.zeros((1, 6), complex), {}, "dtype complex128 is no number"),
        (np.zeros((1, 6), object), {}, "dtype object is no number"),
        (np.full((1, 6), 128), {}, r"values from 128 to 128 are not int8 \(-128 to 127\)"),
        (np.full((1, 6), -1), {"dtype": "uint8"}, "are not uint8"),
        (np.full((1, 6), 2**63, np.uint64), {}, "are not int8"),
        (np.array([[0.0] * 6, [0, 0, np.nan, 0, 0, 0]]), {}, "row 1 has a value that is not finite"),
        (np.full((1, 6), np.inf), {"dtype": "float32", "scale": None}, "row 0 has a value that is not finite"),
        (np.zeros((1, 6)), {"scale": None}, "has no quantisation"),
    ],
)
def test_what_does_not_fit_is_told(array: np.ndarray, of: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        rows(array, tensor(**of))  # type: ignore[arg-type]
    assert "'x'" in str(caught.value)


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6))
    assert load_inputs(tmp_path / "a.npy", [tensor()])[0].tolist() == list(range(6))
    two = [tensor(name="left"), tensor(name="right")]
    np.savez(tmp_path / "named.npz", right=np.ones(6), left=np.zeros(6))
    assert [a.sum() for a in load_inputs(tmp_path / "named.npz", two)] == [0, 6]
    np.savez(tmp_path / "ordered.npz", np.zeros(6), np.ones(6))
    assert [a.sum() for a in load_inputs(tmp_path / "ordered.npz", two)] == [0, 6]
    with pytest.raises(UsageError, match="one array, but the model has 2 inputs: left, right"):
        load_inputs(tmp_path / "a.npy", two)
    np.savez(tmp_path / "half.npz", left=np.zeros(6), rihgt=np.ones(6))
    with pytest.raises(UsageError, match=r"has left, rihgt, but the model's inputs are left, right"):
        load_inputs(tmp_path / "half.npz", two)


class Payload:
    """What a hostile .npy would like to be: loading it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    mark = tmp_path / "was_here"
    np.save(tmp_path / "a.npy", np.array([Payload(mark)], object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Payload(mark)))
    np.savez(tmp_path / "c.npz", x=np.array([Payload(mark)], object))
    for name in ("a.npy", "b.npy", "c.npz"):
        with pytest.raises(UsageError, match="pickled Python objects") as caught:
            load_inputs(tmp_path / name, [tensor()])
        assert "trust" not in str(caught.value)
    assert not mark.exists()


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_inputs(tmp_path / "none.npy", [tensor()])
    with pytest.raises(UsageError, match="not a file"):
        load_inputs(tmp_path, [tensor()])


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damaged_files_are_one_error(tmp_path: Path, kind: str) -> None:
    """Cut anywhere, bytes changed anywhere: loaded, or refused; nothing else."""
    whole = io.BytesIO()
    if kind == "npy":
        np.save(whole, np.arange(6, dtype=np.int8))
    else:
        np.savez_compressed(whole, x=np.arange(6, dtype=np.int8))
    data = whole.getvalue()
    dice = random.Random(7)
    path = tmp_path / f"x.{kind}"
    refused = []
    for n in range(400):
        broken = bytearray(data)
        if n % 4 == 0:
            broken = broken[: dice.randrange(len(data))]
        else:
            for _ in range(dice.choice([1, 1, 3, 20])):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        try:
            load_inputs(path, [tensor()])
        except UsageError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all(str(path) in text for text in refused)


def test_outputs(tmp_path: Path) -> None:
    one, two = [tensor(name="a")], [tensor(name="a"), tensor(name="b")]
    values = [np.arange(6, dtype=np.int8), np.ones(2, np.float32)]
    save_outputs(tmp_path / "y.npy", values[:1], one)
    assert np.array_equal(np.load(tmp_path / "y.npy"), values[0])
    save_outputs(tmp_path / "y.npz", values, two)
    with np.load(tmp_path / "y.npz") as loaded:
        assert {n: loaded[n].dtype.name for n in loaded.files} == {"a": "int8", "b": "float32"}
    with pytest.raises(UsageError, match="the model has 2 outputs"):
        save_outputs(tmp_path / "two.npy", values, two)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["y.npy", "y.npz"]


def test_outputs_on_a_full_disk_leave_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(UsageError, match="/dev/full: cannot be written: No space left"):
        save_outputs(Path("/dev/full"), [np.zeros(99999, np.int8)], [tensor()])
    with pytest.raises(UsageError, match="cannot be written"):
        save_outputs(tmp_path / "no" / "y.npy", [np.zeros(6, np.int8)], [tensor()])
    assert list(tmp_path.iterdir()) == []
