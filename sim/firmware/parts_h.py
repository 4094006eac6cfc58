"""The board's sensor parts as C++ constants: what a raw code is worth, so that one app fits them all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sim.sensors.parts import part
from sim.sensors.parts.base import LinearPart, Quantity
from sim.sensors.units import factor


def parts_h(slots: Mapping[str, str]) -> str:
    """`parts::<slot>::name` and, of each quantity, a function: range -> size of one code in its unit.

    `slots`: slot -> name of its part, as in board.toml. A camera's pixels, and parts that are not linear, have no size.
    """
    lines = ["// The board's sensor parts (docs/sensors.md).", "namespace parts {"]
    for slot, name in sorted(slots.items()):
        found = part(name)
        lines += [f"namespace {_word(slot)} {{", f'inline constexpr const char* name = "{found.name}";']
        if isinstance(found, LinearPart):
            lines += [line for quantity in found.quantities for line in _sizes(quantity)]
        lines.append(f"}}  // namespace {_word(slot)}")
    return "\n".join([*lines, "}  // namespace parts"]) + "\n"


def _sizes(quantity: Quantity) -> list[str]:
    into = factor(quantity.code_unit, quantity.unit)
    sizes = {r: size * into for r, size in sorted(quantity.sensitivity.items())}
    named = "".join(f"range == {r:.0f} ? {size!r} : " for r, size in sizes.items() if r == int(r) and len(sizes) > 1)
    unused = "" if named else " /*range*/"
    return [
        f"// {quantity.unit} a code; range in {quantity.range_unit}, 0: the widest",
        f"inline constexpr double {_word(quantity.name)}(uint32_t{unused or ' range'} = 0) {{ "
        f"return {named}{sizes[max(sizes)]!r}; }}",
    ]


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)
