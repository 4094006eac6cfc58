"""A bare dump of flash as an ELF, so that everything that takes an image takes it: kept in the cache by content."""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sim.errors import SetupError, UsageError
from sim.paths import cache_root

_HEAD, _PROGRAM, _SECTION, _SYMBOL = 52, 32, 40, 16  # bytes of Elf32_Ehdr, _Phdr, _Shdr, _Sym
_ARM, _EABI5 = 40, 0x05000000
_LARGEST = 256 << 20


def binary_as_elf(path: Path, load: int, symbols: Mapping[str, int]) -> Path:
    """An ELF with the file's bytes at `load` and these functions. Raises UsageError for what cannot boot."""
    data = _bytes_of(path)
    if load % 4 or not 0 <= load <= 0xFFFFFFFF - len(data):
        raise UsageError(f"{path}: load={load:#x}: a multiple of 4 in 32 bits, with the whole image behind it")
    _check_boots(path, data, load)
    for name, address in symbols.items():
        if not name or not load <= address & ~1 < load + len(data):
            raise UsageError(f"{path}: symbol {name!r} at {address:#x} is not in the image",
                             hint=f"it lies at {load:#010x} to {load + len(data):#010x}")  # fmt: skip
    elf = _elf(data, load, symbols)
    folder = cache_root() / "images" / hashlib.sha256(elf).hexdigest()[:16]
    target = folder / f"{path.stem}.elf"
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(elf)
        Path(part).replace(target)  # atomic: parallel workers never see half a file
    except OSError as error:
        raise SetupError(f"cannot write to {folder}: {error.strerror}",
                         hint="set BOARDLESS_CACHE to a folder that can be written") from None  # fmt: skip
    return target


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if data[:4] == b"\x7fELF":
        raise UsageError(f"{path}: an ELF, which says itself where it lies", hint="Firmware.from_elf(path)")
    if data[:1] == b":" and data[1:9].isalnum():
        raise UsageError(f"{path}: an Intel HEX file", hint="arm-none-eabi-objcopy -I ihex -O binary IN.hex OUT.bin")
    if len(data) < 8:
        raise UsageError(f"{path}: no image: {len(data)} bytes, or more than {_LARGEST >> 20} MB")
    return data


def _check_boots(path: Path, data: bytes, load: int) -> None:
    top, reset = struct.unpack_from("<II", data)
    if top % 4 or not top or not reset & 1 or not load <= reset & ~1 < load + len(data):
        raise UsageError(
            f"{path}: no vector table at its start: the words there are {top:#010x} and {reset:#010x}, not a stack "
            f"pointer and an address of code in the image, Thumb bit set (it is loaded at {load:#010x})",
            hint="another load address, or a dump that begins at the vector table",
        )


def _elf(data: bytes, load: int, symbols: Mapping[str, int]) -> bytes:
    """ELF32 for Arm (ELF for the Arm Architecture, IHI 0044): one segment, one section, symbols of functions."""
    text_at = _HEAD + _PROGRAM
    names = b"\0.text\0.symtab\0.strtab\0"
    table, strings = bytes(_SYMBOL), b"\0"
    for name in sorted(symbols):
        table += struct.pack("<IIIBBH", len(strings), symbols[name] | 1, 0, 0x12, 0, 1)  # global function in section 1
        strings += name.encode() + b"\0"
    table_at = -(-(text_at + len(data)) // 4) * 4
    strings_at = table_at + len(table)
    names_at = strings_at + len(strings)
    sections_at = -(-(names_at + len(names)) // 4) * 4
    entry = struct.unpack_from("<I", data, 4)[0]
    head = struct.pack("<4sBBB9xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 2, _ARM, 1, entry, _HEAD, sections_at, _EABI5,
                       _HEAD, _PROGRAM, 1, _SECTION, 5, 4)  # fmt: skip
    program = struct.pack("<8I", 1, text_at, load, load, len(data), len(data), 5, 4)
    sections = bytes(_SECTION)
    sections += struct.pack("<10I", 1, 1, 6, load, text_at, len(data), 0, 0, 4, 0)
    sections += struct.pack("<10I", 7, 2, 0, 0, table_at, len(table), 3, 1, 4, _SYMBOL)
    sections += struct.pack("<10I", 15, 3, 0, 0, strings_at, len(strings), 0, 0, 1, 0)
    sections += struct.pack("<10I", 15, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    out = bytearray(sections_at)
    for at, part in ((0, head + program), (text_at, data), (table_at, table), (strings_at, strings), (names_at, names)):
        out[at : at + len(part)] = part
    return bytes(out) + sections
