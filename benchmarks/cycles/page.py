"""The result of compare.py as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [list(head), ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def page(result: Mapping[str, Any]) -> str:
    """The whole page."""
    kinds = ("instructions", "core", "cycles")
    rows: list[list[object]] = [
        [r["system"], r["board"], r["network"], f"{r['hardware'] / 1e6:.3f}", f"{r['cycles'] / 1e6:.3f}"]
        + [f"{r['error'][kind]:+.1f} %" for kind in kinds]
        for r in result["points"]
    ]
    for what in ("mean", "largest"):
        rows.append([f"**{what}**", "", "", "", "", *(f"**{result['total'][kind][what]} %**" for kind in kinds)])
    head = ["system", "board", "network", "hardware, Mcycles", "model, Mcycles", "instructions", "core",
            "core and memory"]  # fmt: skip
    lines = [
        "# Cycles against published measurements",
        "",
        f"Made by `{result['command']}` on {result['date']} with QEMU {result['qemu']}. {result['images']}",
        "",
        f"Hardware: {result['source']}.",
        "",
        "Error of counting instructions, of the core model alone, and of core and memory:",
        "",
        *table(head, rows),
        "",
        "## Parameters",
        "",
        *table(
            ["board", "parameter", "value", "origin", "source"],
            [[p[k] for k in ("board", "parameter", "value", "kind", "source")] for p in result["parameters"]],
        ),
        "",
        "## Sensitivity",
        "",
        "Error over the board's points when one parameter that no manual gives is another.",
        "",
        *table(
            ["board", "parameter", "value", "tried", "mean, %", "largest, %"],
            [
                [s[k] for k in ("board", "parameter", "value", "tried", "mean", "largest")]
                for s in result["sensitivity"]
            ],
        ),
    ]
    if result["speed"]:
        lines += [
            "",
            "## Run time",
            "",
            "CPU seconds of the engine for the same run, least of several; the ratio is to counting instructions only.",
            "",
            *table(
                ["image", "-icount", "count", "core", "core and memory", "core, ratio", "core and memory, ratio"],
                [
                    [s["image"], "yes" if s["icount"] else "no", s["count"], s["core"], s["memory"]]
                    + [f"{s[k] / s['count']:.2f}" for k in ("core", "memory")]
                    for s in result["speed"]
                ],
            ),
        ]
    return "\n".join(lines) + "\n"
