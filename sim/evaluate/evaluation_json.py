"""An evaluation as JSON, as `schemas/evaluate.json` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.evaluate.result import Result

if TYPE_CHECKING:
    from sim.evaluate.evaluation import Evaluation


def evaluation_json(found: Evaluation) -> dict[str, Any]:
    """Nothing in it depends on who played what when."""
    firmware, target = found.firmware, found.target
    described = target.described() if firmware.tree is not None else target.described_without_tree()
    latency, detection = found.latency, found.detection
    disagreements = found.disagreements
    return {
        **described,
        "app": firmware.app,
        "model_sha256": firmware.model.sha256 if firmware.model else None,
        "firmware_sha256": firmware.sha256,
        "unverified": list(target.board.unverified),
        "cycle_model": found.cycle_model,
        "sensor": {"slot": found.opening.slot, "part": found.opening.part.name, "rate": float(found.opening.rate)},
        "data": {
            "source": found.data.source,
            "sha256": found.data.sha256,
            "recordings": len(found.results),
            "seconds": found.seconds,
            "skipped": [{"name": s.name, "reason": s.reason} for s in found.data.skipped],
        },
        "rules": found.rules.as_json(),
        "one_boot": found.one_boot,
        "labels": list(found.labels),
        "accuracy": {"right": sum(r.right for r in found.results), "of": len(found.results), "share": found.accuracy},
        "confusion": {truth: dict(row) for truth, row in found.confusion.items()},
        "latency": latency.as_json() if latency else None,
        "detection": detection.as_json() if detection else None,
        "false_alarms": {"count": found.false_alarms, "per_hour": found.false_alarms_per_hour},
        "lost_samples": found.lost,
        "saturated_values": found.saturated,
        "failures": [{"name": name, "reason": reason} for name, reason in found.failures],
        "host": {
            "interpreter": found.host_text,
            "accuracy": found.host_accuracy,
            "decisions": found.compared,
            "equal": not disagreements,
            "disagreements": [
                {"name": d.name, "number": d.number, "lost": d.lost, "board": _side(d.board), "host": _side(d.host)}
                for d in disagreements
            ],
        }
        if found.host_text
        else None,
        "no_host": found.no_host,
        "recordings": [_recording(r, found.host_text) for r in found.results],
    }


def _side(side: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if side is None else {"samples": side[0], "label": side[1]}


def _recording(r: Result, host: str) -> dict[str, Any]:
    said: dict[str, Any] = {"name": r.name, "sha256": r.sha256, "label": r.label, "verdict": r.verdict}
    if host:
        said["host_verdict"] = r.host_verdict
    said["decisions"] = len(r.played.decisions)
    said["samples"] = r.played.samples
    said["lost"] = r.played.lost
    said["saturated"] = r.played.saturated
    return said
