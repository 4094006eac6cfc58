"""What the linker put where, from the map that GNU ld writes: which object of which library has how many bytes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

_OUTPUT = re.compile(r"([.\w][\w.$-]*)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s|$)|\s*$)")
_PART = re.compile(r" ([.*\w][^ ]*)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (.+))?)?$")
_REST = re.compile(r"\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (.+))?$")
_MEMBER = re.compile(r"(.*?)\(([^()]+)\)$")
FILL = "(padding)"


@dataclass(frozen=True)
class Part:
    """Bytes of one object in one section of the image. `library` is the folder for objects of no library."""

    section: str
    address: int
    size: int
    library: str
    object: str


def read_map(path: Path, sections: Collection[str]) -> list[Part]:
    """Parts of these sections, in the order of the image; empty where the file is no map of GNU ld."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    _, found, body = text.partition("\nLinker script and memory map\n")
    parts = [p for p in _parts(body) if p.section in sections] if found else []
    # A text that is the end of another one elsewhere keeps its size in the map, but takes no room.
    fitted = [
        replace(p, size=min(p.size, max(0, q.address - p.address))) if q.section == p.section else p
        for p, q in pairwise(parts)
    ] + parts[-1:]
    return [p for p in fitted if p.size]


def _parts(text: str) -> Iterator[Part]:
    section, waiting = "", ""
    for line in map(str.rstrip, text.splitlines()):
        if waiting and (rest := _REST.match(line)):
            yield _part(section, waiting, rest[1], rest[2], rest[3])
            waiting = ""
            continue
        waiting = ""
        if output := _OUTPUT.match(line):
            section = output[1]
        elif part := _PART.match(line):
            if part[2] is None:
                waiting = part[1]
            else:
                yield _part(section, part[1], part[2], part[3], part[4])


def _part(section: str, name: str, address: str, size: str, file: str | None) -> Part:
    library, member = (FILL, FILL) if name == "*fill*" or not file else _origin(file)
    return Part(section, int(address, 16), int(size, 16), library, member)


def _origin(file: str) -> tuple[str, str]:
    inside = _MEMBER.match(file)
    if inside:
        return PurePosixPath(inside[1]).name, inside[2]
    path = PurePosixPath(file)
    return path.parent.name or FILL, path.name
