"""Representative data: what is refused, and with which words."""

from __future__ import annotations

import numpy as np
import pytest

from sim.convert.data import load, rows_for
from sim.errors import UsageError

GOOD = np.arange(60, dtype=np.float32).reshape(10, 3, 2)


def test_one_input_comes_back_as_float32():
    (rows,) = rows_for(GOOD.astype(np.int8), ["x"], [(3, 2)], "data")
    assert rows.dtype == np.float32
    assert np.array_equal(rows, GOOD)


def test_open_axis_fits_any_size():
    (rows,) = rows_for(GOOD, ["x"], [(None, 2)], "data")
    assert rows.shape == (10, 3, 2)


def test_inputs_by_name_come_in_the_order_of_the_model():
    first, second = rows_for({"b": GOOD, "a": GOOD[:, 0]}, ["a", "b"], [(2,), (3, 2)], "data")
    assert (first.shape, second.shape) == ((10, 2), (10, 3, 2))


@pytest.mark.parametrize(
    ("data", "names", "shapes", "words"),
    [
        (GOOD, ["x"], [(2, 3)], r"input 'x': has shape \[10, 3, 2\], the model wants \[n, 2, 3\]"),
        (GOOD[0], ["x"], [(3, 2)], r"one sample alone needs it too: X\[None\]"),
        (GOOD[:9], ["x"], [(3, 2)], "9 samples are too few"),
        (np.full((10, 2), "a"), ["x"], [(2,)], "numbers are needed"),
        (np.where(GOOD == 30, np.nan, GOOD), ["x"], [(3, 2)], "NaN or infinity, first in sample 5"),
        (GOOD, ["a", "b"], [(3, 2), (3, 2)], "one array for 2 inputs"),
        ([GOOD], ["a", "b"], [(3, 2), (3, 2)], r"1 arrays for 2 inputs \(a, b\)"),
        ([GOOD, GOOD[:10].repeat(2, 0)], ["a", "b"], [(3, 2), (3, 2)], r"different numbers of samples: \[10, 20\]"),
        ({"windw": GOOD}, ["window"], [(3, 2)], "did you mean 'windw'"),
    ],
)
def test_what_does_not_fit_is_named(data, names, shapes, words):
    with pytest.raises(UsageError, match=words):
        rows_for(data, names, shapes, "data")


def test_npy_and_npz(tmp_path):
    np.save(tmp_path / "x.npy", GOOD)
    np.savez(tmp_path / "x.npz", a=GOOD, b=GOOD)
    assert np.array_equal(load(tmp_path / "x.npy"), GOOD)
    assert sorted(load(tmp_path / "x.npz")) == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"not numpy", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_file_that_is_no_array(tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.npy: not an \.npy or \.npz file"):
        load(path)


def test_pickled_objects_are_not_opened(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="not an"):
        load(path)


def test_missing_file(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "x.npy")
