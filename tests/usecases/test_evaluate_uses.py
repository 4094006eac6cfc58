"""Every use through `evaluate`: the board decides what the int8 model on the host decides, one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.errors import CannotPlay, UsageError
from sim.evaluate import Evaluation

# use -> board on which it keeps up, recordings (None: all), least accuracy
USES = {
    "gesture": ("arduino_nano_33_ble", None, 39 / 40),
    "image": ("arduino_nano_33_ble", 100, 0.97),
    "machine": ("arduino_nano_33_ble", 40, 0.9),
    "vehicle": ("arduino_nano_33_ble", 120, 0.9),
    "sound": ("stm32f4_discovery", 60, 0.9),
    "keyword": ("stm32f4_discovery", 36, 0.9),
}


def evaluated(use: str, board: str, limit: int | None, evaluate: Callable[..., Evaluation]) -> Evaluation:
    """Skips where what the data are made with is not installed, or the engine has no such core."""
    try:
        found = evaluate(use, board=board, limit=limit)
    except CannotPlay as error:
        pytest.skip(error.message)
    except UsageError as error:
        if "recordings()" in error.message and ("pip install" in error.message or "apt install" in error.message):
            pytest.skip(error.message)
        raise
    print(f"{use}: {found.accuracy:.4f} on {board}, {found.host_accuracy} on the host, {found.decisions} decisions")
    return found


@pytest.mark.parametrize("use", USES)
def test_as_on_the_host_decision_by_decision(use: str, evaluate: Callable[..., Evaluation]) -> None:
    board, limit, least = USES[use]
    found = evaluated(use, board, limit, evaluate)
    assert found.failures == []
    assert found.accuracy >= least
    assert found.lost == 0
    if not found.host_text:
        pytest.skip(found.no_host)
    assert found.disagreements == []
    assert found.host_accuracy == found.accuracy


@pytest.mark.parametrize("other", ["nucleo_l152re", "mps3_an547"])  # M3, M55
@pytest.mark.parametrize("use", ["gesture", "image"])
def test_the_same_decisions_on_boards_of_every_core(use: str, other: str, evaluate: Callable[..., Evaluation]) -> None:
    found = [evaluated(use, board, 12, evaluate) for board in (other, "stm32f4_discovery")]  # the Nano has an M4 too
    theirs, on_m4 = ([(d.samples, d.index) for r in e.results for d in r.played.decisions] for e in found)
    assert on_m4
    assert theirs == on_m4


@pytest.mark.slow
def test_every_third_digit_on_the_board(evaluate: Callable[..., Evaluation]) -> None:
    """The figure of the card, 592 of 599, decision by decision."""
    found = evaluated("image", "arduino_nano_33_ble", None, evaluate)
    assert len(found.results) == 599
    assert found.accuracy >= 0.97
    assert found.disagreements == []
