"""Lines of source that were executed, as LCOV has them: from the addresses and the image's line tables."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

from sim.elf import Elf
from sim.engines.protocol import CodeBlock
from sim.errors import UsageError

Lines = dict[str, dict[int, int]]  # file -> line -> times


def executed_lines(elf: Elf, blocks: Sequence[CodeBlock]) -> Lines:
    """File as the image names it -> line with code -> how often it was executed (0: never).

    A line that lies in several places counts as often as the place that was executed most. Raises UsageError for an
    image without line tables.
    """
    times = _Times(blocks)
    out: Lines = {}
    for start, end, file, line in _rows(elf):
        lines = out.setdefault(file, {})
        lines[line] = max(lines.get(line, 0), times.most(start, end))
    if not out:
        raise UsageError(f"{elf.path.name} has no line tables", hint="compile it with -g1 or -g")
    return out


def lcov(lines: Lines, folders: Mapping[str, Path]) -> str:
    """LCOV tracefile of the files that are here; libraries of the toolchain come without theirs.

    `folders`: first part of a file's name in the image -> where these files lie here.
    """
    out: list[str] = []
    for file in sorted(lines):
        here = _here(file, folders)
        if here is None:
            continue
        hit = sum(1 for times in lines[file].values() if times)
        out += ["TN:", f"SF:{here}"]
        out += [f"DA:{line},{times}" for line, times in sorted(lines[file].items())]
        out += [f"LF:{len(lines[file])}", f"LH:{hit}", "end_of_record"]
    return "\n".join(out) + "\n"


def _here(file: str, folders: Mapping[str, Path]) -> Path | None:
    for prefix, folder in folders.items():
        path = folder / file[len(prefix) + 1 :]
        if file.startswith(f"{prefix}/") and path.is_file():
            return path
    return Path(file) if Path(file).is_file() else None


class _Times:
    """How often each address was executed: blocks overlap where code jumps into the middle of one."""

    def __init__(self, blocks: Iterable[CodeBlock]) -> None:
        steps: dict[int, int] = {}
        for block in blocks:
            steps[block.address] = steps.get(block.address, 0) + block.times
            end = block.address + block.size
            steps[end] = steps.get(end, 0) - block.times
        self._at = sorted(steps)
        self._times = list(accumulate(steps[a] for a in self._at))

    def most(self, start: int, end: int) -> int:
        i = max(0, bisect_right(self._at, start) - 1)
        most = 0
        while i < len(self._at) and self._at[i] < end:
            following = self._at[i + 1] if i + 1 < len(self._at) else end
            if following > start:
                most = max(most, self._times[i])
            i += 1
        return most


def _rows(elf: Elf) -> Iterable[tuple[int, int, str, int]]:
    """(start, end, file, line) of all code that is in the image."""
    from elftools.elf.elffile import ELFFile

    with elf.path.open("rb") as stream:
        file = ELFFile(stream)
        if not file.has_dwarf_info():
            return
        dwarf = file.get_dwarf_info(relocate_dwarf_sections=False)
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            if program is None:
                continue
            names = _names(program, unit.get_top_DIE().attributes.get("DW_AT_comp_dir"))
            yield from _unit_rows(elf, program, names)


def _unit_rows(elf: Elf, program: Any, names: list[str]) -> Iterable[tuple[int, int, str, int]]:
    first = 0 if program["version"] >= 5 else 1
    before: Any = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        # Sections that the linker dropped keep their rows, at addresses from 0 on.
        if before is not None and before.line and state.address > before.address and _there(elf, before.address):
            at = before.file - first
            yield before.address, state.address, names[at] if 0 <= at < len(names) else "?", before.line
        before = None if state.end_sequence else state


def _there(elf: Elf, address: int) -> bool:
    return elf.function_at(address) is not None


def _names(program: Any, comp_dir: Any) -> list[str]:
    folders = [_text(f) for f in program["include_directory"]]
    if program["version"] < 5:
        folders.insert(0, _text(comp_dir.value) if comp_dir is not None else "")
    out = []
    for file in program["file_entry"]:
        index = int(file["dir_index"])
        folder = folders[index] if index < len(folders) else ""
        path = PurePosixPath(folders[0] if folders else "", folder, _text(file.name))
        out.append(str(PurePosixPath(*_resolved(path.parts))))
    return out


def _resolved(parts: Iterable[str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if part == ".." and out and out[-1] not in ("..", "/"):
            out.pop()
        elif part != ".":
            out.append(part)
    return out


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(getattr(name, "name", name))
