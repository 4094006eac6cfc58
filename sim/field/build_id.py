"""The GNU build id of an image: twenty bytes that say exactly which build it is."""

from __future__ import annotations

import io

from sim.elf import Elf


def build_id(elf: Elf) -> str:
    """Hex digits; "" where the image has none."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        file = ELFFile(io.BytesIO(elf.path.read_bytes()))
        for section in file.iter_sections("SHT_NOTE"):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    except (OSError, ELFError, KeyError, ValueError):
        return ""
    return ""
