"""What is wrong with a run, in words."""

from __future__ import annotations

from sim.field.captured import signature
from sim.field.symptom import Symptom


def test_an_address_in_words() -> None:
    """It is another one in each build, so the signature has none: what people read does not show how that is done."""
    reason = "UsageFault: INVSTATE: no Thumb code, in 0x00020202, called from main+0x3c4 (0x00001750) at veh.cc:44"
    symptom = Symptom("failure", signature(reason))
    assert symptom.text == "fails: UsageFault: INVSTATE: no Thumb code, in 0x..., called from main"
