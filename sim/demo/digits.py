"""Handwritten digits, shown to the camera one after the other."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sim.demo.shown import Item, Use
from sim.paths import data_root

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.target import Target

SLOT = "camera"
TITLE = "which digit? handwriting before the camera, eight frames a second"
_ROW = 10  # digits in a row of the terminal


def play(firmware: Firmware, target: Target, show: Callable[[str], None]) -> Use:
    """The shipped digits, one a frame; a frame's decision is known by its sample."""
    import numpy as np

    from sim.sensors.frames import Frames

    folder = data_root() / "models" / "image"
    card = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    (path,) = (folder / "recordings").glob("digits_*.npy")
    truth = path.stem.partition("_")[2]
    images = np.load(path)
    paper = float(np.bincount(images.ravel()).argmax()) / 255  # what is around the digit
    with target.boot(firmware.elf) as machine:
        machine.camera.play(Frames(images, card["rate_hz"], scale=card["digit"]["block"], background=paper))
        spent = machine.measure("invoke", runs=3).instructions.median
        machine.run_to_end()
        machine.run(2 / card["rate_hz"])  # the last frame is still being looked at
        found = {d.samples[SLOT] - 1: d for d in machine.decisions}
        base = machine.time_base
    items = []
    for frame, expected in enumerate(truth):
        decision = found.get(frame)  # a slow board may have missed it
        items.append(
            Item(
                name=f"frame {frame}",
                expected=expected,
                decided=decision.label if decision else "",
                share=decision.score if decision else 0.0,
                latency=decision.latency if decision else math.nan,
                decisions=(decision,) if decision else (),
                values=tuple(float(v) / 255 for v in images[frame].ravel()),
            )
        )
    for first in range(0, len(items), _ROW):
        _row(items[first : first + _ROW], show)
    return Use("image", TITLE, tuple(items), spent, base, firmware.sha256)


def _row(items: Sequence[Item], show: Callable[[str], None]) -> None:
    """Digits side by side, two pixels of each column in a character, and below what was decided."""
    side = round(len(items[0].values) ** 0.5)
    for y in range(0, side, 2):
        line = []
        for item in items:
            middle = (min(item.values) + max(item.values)) / 2
            upper, lower = (item.values[(y + k) * side : (y + k + 1) * side] for k in (0, 1))
            line.append("".join(" ▀▄█"[(a > middle) + 2 * (b > middle)] for a, b in zip(upper, lower, strict=True)))
        show("  " + "".join(line).rstrip())
    show("  " + "".join(f"{'✓' if i.right else '✗'} {i.decided}".center(side) for i in items).rstrip())
