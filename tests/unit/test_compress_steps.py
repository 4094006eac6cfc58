"""What may follow what, and the arithmetic of pruning and sharing, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.compress.cluster import k_means
from sim.compress.prune import smallest
from sim.compress.steps import Step, parse
from sim.errors import UsageError


def test_steps():
    assert parse("channels:0.5, prune:0.8,cluster:16,int8") == (
        Step("channels", 0.5), Step("prune", 0.8), Step("cluster", 16), Step("int8"),
    )  # fmt: skip
    assert parse([Step("prune", 0.5), "prune:0.75"]) == (Step("prune", 0.5), Step("prune", 0.75))
    assert [str(s) for s in parse("cluster:16,int8")] == ["cluster:16", "int8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prun:0.5", "no step 'prun:0.5'.*did you mean 'prune'"),
        ("", "no step ''"),
        ("prune", "'prune': needs a number.*prune:0.8"),
        ("prune:x", "'prune:x': 'x' is no number"),
        ("prune:0", "prune:0: a share above 0 and below 1"),
        ("prune:80", "prune:80: a share above 0 and below 1"),
        ("prune:nan", "prune:nan: a share"),
        ("channels:1", "channels:1: a share"),
        ("cluster:1", "cluster:1: a whole number from 2 to 256"),
        ("cluster:2.5", "cluster:2.5: a whole number"),
        ("cluster:257", "cluster:257: a whole number"),
        ("int8:4", "int8 takes no number"),
        ("int8,channels:0.5", "channels:0.5 cannot come after int8"),
        ("prune:0.5,channels:0.5", "channels:0.5 cannot come after prune:0.5"),
        ("cluster:8,prune:0.5", "prune:0.5 cannot come after cluster:8"),
        ("int8,int8", "int8 twice"),
        ("cluster:8,cluster:4", "cluster twice"),
        ("prune:0.5,prune:0.5", "changes nothing"),
    ],
)
def test_steps_that_cannot_be(text, message):
    with pytest.raises(UsageError, match="(?s)" + message):
        parse(text)


def test_no_step():
    with pytest.raises(UsageError, match="no step was given"):
        parse([])


def test_smallest_of_all_layers_together():
    masks = smallest({"a": np.array([[0.1, 3.0], [0.2, 0.3]]), "b": np.array([5.0, 4.0])}, 0.5)
    assert masks["a"].tolist() == [[False, True], [False, False]]
    assert masks["b"].tolist() == [True, True]


def test_each_layer_keeps_its_largest():
    masks = smallest({"small": np.array([0.1, 0.2]), "large": np.array([5.0, 6.0, 7.0, 8.0])}, 0.9)
    assert masks["small"].tolist() == [False, True]
    assert masks["large"].tolist() == [False, False, False, True]


def test_k_means_by_hand():
    """From 0, 5 and 10: {0, 1, 2}, {}, {9, 10}: the middle one falls out, the others are the means."""
    means, numbers = k_means(np.array([0, 1, 2, 9, 10], np.float32), 3)
    assert means.tolist() == [1.0, 9.5]
    assert numbers.tolist() == [0, 0, 0, 1, 1]


def test_k_means_of_no_more_values_than_means_changes_nothing():
    values = np.array([0.5, -1.0, 0.5, 2.0], np.float32)
    means, numbers = k_means(values, 16)
    assert np.array_equal(means[numbers], values)
    assert len(means) == 3
