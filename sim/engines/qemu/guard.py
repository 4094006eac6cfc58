"""What is laid over a machine's memory so that it ends where the board's ends (probe/guard.h)."""

from __future__ import annotations

from sim.boards import Memory
from sim.engines.protocol import Image
from sim.engines.qemu.twins import TWINS

_PAGE = 4096


def guards(image: Image) -> list[str]:
    """Arguments of the probe: memory that the board does not have, and its flash.

    The image's blob stays where it is, behind the end of the board's flash.
    """
    layout = image.layout
    flash, ram, room = layout.flash, layout.ram, layout.room
    others: tuple[Memory, ...] = ()
    if layout.native:
        at, mirror = flash.origin, flash.origin != 0  # machines that have flash elsewhere show it at 0 as well
    else:
        twin = next(t for t in TWINS.values() if t.machine == layout.machine)
        at, mirror, others = twin.bus, False, twin.others
    code_end = layout.flash_room
    if image.blob is not None and image.blob.address - flash.origin >= flash.size:
        code_end = (image.blob.address - flash.origin) // _PAGE * _PAGE
    holes = [(at + flash.size, at + code_end), (ram.end, room.end), *((o.origin, o.end) for o in others)]
    return [
        f"rom={at:x}+{flash.size:x}" + ("+0" if mirror else ""),
        *(f"hole={start:x}+{end - start:x}" for start, end in holes if end > start),
    ]
