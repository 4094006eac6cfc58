"""Recordings of a smart watch, played to the motion sensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.demo.shown import Item, Use, longest
from sim.paths import data_root

if TYPE_CHECKING:
    from sim.firmware import Firmware
    from sim.sensors.recording import Recording
    from sim.target import Target

SLOT = "imu"
TITLE = "which motion? recordings of a smart watch, 10 s each"
FULL = 40.0  # m/s^2: the same scale for all, so that they can be compared
_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 40


def play(firmware: Firmware, target: Target, show: Callable[[str], None]) -> Use:
    """All shipped recordings, each on a board of its own."""
    from sim.sensors.recording import Recording

    show(f"  {'recording':<14} {'acceleration over 10 s of board time':<{_WIDTH}}  the firmware decides")
    items, spent, base = [], 0, ""
    for path in sorted((data_root() / "models/gesture/recordings").glob("*.csv")):
        recording = Recording.load(path)
        with target.boot(firmware.elf) as machine:
            machine.imu.play(recording)
            spent = machine.measure("invoke", runs=3).instructions.median
            machine.run_to_end()
            decisions, base = tuple(machine.decisions), machine.time_base
        counts = Counter(d.label for d in decisions)
        label, most = counts.most_common(1)[0] if counts else ("", 0)
        items.append(
            Item(
                name=path.stem,
                expected=path.stem.rsplit("_", 1)[0],
                decided=label,
                share=most / max(1, counts.total()),
                latency=longest(d.latency for d in decisions),
                decisions=decisions,
                values=sizes(recording),
            )
        )
        mark = "✓" if items[-1].right else "✗"
        show(f"  {path.stem:<14} {_bars(items[-1].values)}  {mark} {label} ({items[-1].share:.0%} of its decisions)")
    return Use("gesture", TITLE, tuple(items), spent, base, firmware.sha256)


def sizes(recording: Recording) -> tuple[float, ...]:
    """How large the acceleration is, in m/s^2, point by point."""
    import numpy as np

    return tuple(float(v) for v in np.linalg.norm(recording.values[:, :3], axis=1))


def _bars(values: tuple[float, ...]) -> str:
    import numpy as np

    pieces = [float(p.max()) for p in np.array_split(np.array(values), _WIDTH)]
    return "".join(_BARS[min(len(_BARS) - 1, round(p / FULL * (len(_BARS) - 1)))] for p in pieces)
