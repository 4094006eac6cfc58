"""Reading `[timing]` of a board.toml: every parameter is `{ value, kind, source }`."""

from __future__ import annotations

from collections.abc import Mapping

from sim.board_file import Table
from sim.timing.parameters import CORE_DEFAULTS, CORES, KINDS, PARAMETERS, Range
from sim.timing.profile import Parameter, TimingProfile


def read_timing(table: Table, core: str) -> TimingProfile | None:
    """The profile in the table `timing` of a board's file; the core's own defaults where there is none.

    None for a core that no timing is published or guessed for. Raises UsageError for a table that is not right.
    """
    if "timing" not in table:
        return TimingProfile.of_core(core)
    timing = table.table("timing", ["validated", "against", *PARAMETERS])
    if core not in CORES:
        raise table.error("timing", f"there is no table of {core}'s instructions", "leave it out: cycles are null")
    validated = timing.boolean("validated", default=False)
    against = timing.text("against") if validated or "against" in timing else ""
    parameters = {key: Parameter(*default) for key, default in CORE_DEFAULTS[core].items()}
    for group in timing:
        if group in PARAMETERS:
            parameters.update(_group(timing, group, PARAMETERS[group]))
    _whole(timing, parameters)
    return TimingProfile(core, parameters, validated, against)


def _group(timing: Table, group: str, known: Mapping[str, Range]) -> dict[str, Parameter]:
    inner = timing.table(group, known)
    out = {}
    for key in inner:
        entry = inner.table(key, ["value", "kind", "source"])
        value = entry.number("value", known[key].low, known[key].high, known[key].unit)
        if value != int(value) or not known[key].holds(int(value)):
            raise entry.error("value", f"{value:g} cannot be", known[key].allowed())
        out[f"{group}.{key}"] = Parameter(int(value), entry.one_of("kind", KINDS), entry.text("source"))
    return out


def _whole(timing: Table, parameters: dict[str, Parameter]) -> None:
    """Caches are all there, or none is; and their figures go together."""
    caches = [name for name in ("cache", "icache", "dcache") if f"{name}.size" in parameters]
    flash = "flash.wait_states" in parameters
    if flash and caches not in (["cache"], ["icache", "dcache"]):
        raise timing.error(
            "flash", "needs [timing.cache], or [timing.icache] and [timing.dcache]",
            "no cache: one line of the width that flash is read in",
        )  # fmt: skip
    if caches and not flash:
        raise timing.error(caches[0], "needs [timing.flash] with wait_states", "a cache is in front of flash")
    for name in caches:
        figures = {}
        for key in ("size", "line", "sector", "ways"):
            if f"{name}.{key}" not in parameters:
                raise timing.error(f"{name}.{key}", "is missing", "docs/cycles.md lists them")
            figures[key] = parameters[f"{name}.{key}"].value
        lines = figures["size"] // figures["line"]
        if figures["size"] % figures["line"] or figures["sector"] > figures["line"] or lines == 0:
            raise timing.error(name, "size, line and sector do not go together", "size: a multiple of line")
        if figures["line"] // figures["sector"] > 32 or (figures["ways"] and lines % figures["ways"]):
            raise timing.error(f"{name}.ways", "lines cannot be shared out to that many ways")
