"""What is wrong with a run, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.cli.replay import _against_log
from sim.errors import UsageError
from sim.field.captured import signature
from sim.field.imported import cut_off
from sim.field.recorded import FieldRecording
from sim.field.replay import Replay
from sim.field.symptom import Symptom, symptom_of


def test_an_address_in_words() -> None:
    """It is another one in each build, so the signature has none: what people read does not show how that is done."""
    reason = "UsageFault: INVSTATE: no Thumb code, in 0x00020202, called from main+0x3c4 (0x00001750) at veh.cc:44"
    symptom = Symptom("failure", signature(reason))
    assert symptom.text == "fails: UsageFault: INVSTATE: no Thumb code, in 0x..., called from main"


def run(decided: list[int], *remarks: str) -> FieldRecording:
    """Decisions at those samples of the imu."""
    decisions = tuple(
        {"label": "up", "index": 0, "score": 1.0, "time_ps": 0, "latency_ps": None, "samples": {"imu": n}}
        for n in decided
    )
    nothing = {"name": "", "sha256": "", "version": ""}
    return FieldRecording(nothing, None, nothing, nothing, {}, (), 0, decisions=decisions, remarks=remarks)


@pytest.mark.parametrize("above", ["nan", "inf", "", "much"])
def test_a_score_is_a_number(above: str) -> None:
    with pytest.raises(UsageError, match="is no score"):
        symptom_of(run([]), f"decision:up>{above}")


def test_decisions_of_samples_before_a_log_need_not_come_again() -> None:
    later = cut_off("uart.log", "imu", 70)
    code, said = _against_log(Replay(run([7, 14, 21, 28], later), run([21, 28]), 0), [])
    assert code == 0
    assert said[-1].startswith("2 of the 2 decisions in the log came again, at the same samples; 2 before them are")
    code, said = _against_log(Replay(run([7, 14, 21, 28]), run([21, 28]), 0), [])
    assert code == 1
    assert said[-1].startswith("2 of the 4 decisions in the log")
    assert _against_log(Replay(run([7, 21, 35], later), run([21, 28]), 0), [])[0] == 1


def test_a_fault_that_does_not_come_again_is_said() -> None:
    for trigger, code in (("fault", 1), ("given_up", 1), ("low_confidence", 0)):
        got, said = _against_log(Replay(run([7], f"uart.log: dumped for {trigger}"), run([7]), 0), [])
        assert got == code
        assert ("did not come again" in said[-1]) == bool(code)


def test_a_complaint_that_is_none() -> None:
    for above in ("x", [], None):
        bad = replace(run([]), complaint={"kind": "decision", "what": "up", "above": above})
        with pytest.raises(UsageError, match="complaint cannot be used"):
            symptom_of(bad)
