"""Diagnose: what a crash dump means, for the very image that was in the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.boards import Memory
from sim.elf import Elf, load_elf
from sim.errors import UsageError
from sim.failure import faults
from sim.failure.backtrace import lines_of
from sim.failure.debuginfo import debug_info
from sim.failure.unwind import Unwinder
from sim.field.build_id import build_id
from sim.field.crash import Crash, read_crash
from sim.field.wire import Piece

_LAST = 4  # samples shown
_NOWHERE = 0xFFFFFFFE  # no image has code there


@dataclass(frozen=True)
class Diagnosis:
    """In words, a line each; `remarks`: what is missing or not sure."""

    lines: tuple[str, ...]
    remarks: tuple[str, ...]
    build_id: str


def diagnose(logs: Sequence[Path], elf: Path) -> Diagnosis:
    """What the dump in these logs says. Raises UsageError where there is none, or the image is another build."""
    image = load_elf(elf)
    try:
        text = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}") from None
    crash = read_crash(text)
    if "pc" not in crash.registers and not crash.fault:
        if crash.dump.trigger:
            raise UsageError(
                f"no crash dump in it: the recorder was dumped for {crash.dump.trigger}, not for a fault",
                hint="what the firmware was given is in it: boardless field import",
            )
        raise UsageError(
            "no crash dump in it: no program counter", hint="lines like `PC = 0x08001234`, or the recorder's ~BL ... R"
        )
    own, remarks = build_id(image), []
    if crash.build_id and own:
        if not own.startswith(crash.build_id):
            raise UsageError(
                f"{elf}: build {own[:12]}, but the dump is of build {crash.build_id[:12]}",
                hint="give the ELF of the very build that was in the device",
            )
    else:
        remarks.append("nobody can tell whether this is the very build of the dump: no build id")
    if "pc" not in crash.registers:
        remarks.append(_why_no_pc(crash, image))
    if not crash.stack:
        remarks.append("no stack in the dump: the backtrace ends at what the registers say")
    return Diagnosis(tuple(_lines(crash, image)), tuple(remarks), own)


def _lines(crash: Crash, image: Elf) -> list[str]:
    trace = _trace(crash, image)
    pc = crash.registers.get("pc")
    if pc is not None:
        out = [f"{_fault(crash, image)}, in {trace[0] if trace else hex(pc)}"]
    else:
        out = [_fault(crash, image) + (f", near {trace[0].removeprefix('? ')}" if trace else "")]
    shown = [f"{name}={value:08x}" for name, value in {**crash.fault, **crash.registers}.items()]
    out += ["registers:", *("  " + " ".join(shown[i : i + 6]) for i in range(0, len(shown), 6))]
    out += ["backtrace:", *(f"  {line}" for line in trace)]
    out += _stack(crash, image)
    out += _last(crash)
    return out


def _why_no_pc(crash: Crash, image: Elf) -> str:
    if not crash.fault.get("cfsr", 0) & faults.NO_FRAME:
        return "no pc in the dump: its line is missing, or torn"
    sp, limit = crash.registers.get("sp"), image.symbols.get("__stack_limit")
    overflowed = sp is not None and limit is not None and sp <= limit.address
    why = "the stack had overflowed" if overflowed else "the stack pointer was out of bounds"
    return f"no pc: the exception frame could not be written, {why}"


def _fault(crash: Crash, image: Elf) -> str:
    """The fault in words, with what is known of its address."""
    words = {faults.CFSR: "cfsr", faults.HFSR: "hfsr", faults.MMFAR: "mmfar", faults.BFAR: "bfar"}
    number = crash.fault.get("exception", crash.registers.get("xpsr", 0) & 0x1FF)
    if number not in faults.FAULTS:
        cfsr = crash.fault.get("cfsr", 0)
        number = 6 if cfsr >> 16 else 5 if cfsr >> 8 & 0xFF else 4 if cfsr & 0xFF else 3
    fault = faults.decode(number, lambda address: crash.fault.get(words.get(address, "")))
    near = f" ({_near(fault.address, image)})" if fault.address is not None and _near(fault.address, image) else ""
    return fault.text + near


def _near(address: int, image: Elf) -> str:
    """Where an address lies, by the symbols of the image."""
    data = [s for s in image.symbols.values() if not s.function and s.size]
    inside = next((s for s in data if s.address <= address < s.address + s.size), None)
    if inside is not None:
        return f"{address - inside.address} bytes into {inside.name}"
    before = [s for s in data if s.address + s.size <= address <= s.address + s.size + 4096]
    if before:
        last = max(before, key=lambda s: s.address + s.size)
        return f"{address - last.address - last.size} bytes past the end of {last.name}"
    return ""


def _ram(crash: Crash) -> Memory:
    low = min(crash.stack, default=crash.registers.get("sp", 0))
    high = max(crash.stack, default=low) + 1
    return Memory(low, max(high - low, 1))


def _trace(crash: Crash, image: Elf) -> list[str]:
    def read(address: int, length: int) -> bytes:
        try:
            return crash.read(address, length)
        except IndexError:
            return image.read(address, length)

    info = debug_info(image.path, image.sha256)
    unwinder = Unwinder(image, info, read, _ram(crash), [])
    names = {n: v for n, v in crash.registers.items() if n in ("sp", "lr", "pc") or n[1:].isdigit()}
    if "pc" in names:
        return lines_of(image, info, unwinder.frames(names))
    # All there is are words on the stack that look like return addresses, from its lowest on.
    return lines_of(image, info, unwinder.frames({"pc": _NOWHERE, "sp": min(crash.stack, default=0)})[1:])


def _stack(crash: Crash, image: Elf) -> list[str]:
    limit, top = image.symbols.get("__stack_limit"), image.symbols.get("__stack_top")
    sp = crash.registers.get("sp")
    if sp is None or limit is None or top is None:
        return []
    used, size = top.address - sp, top.address - limit.address
    if sp < limit.address:
        return [f"stack: overflow: the stack pointer is {limit.address - sp} bytes below its {size}"]
    if sp > top.address:
        return [
            f"stack: the stack pointer {sp:#010x} is not in the stack, {limit.address:#010x} to {top.address:#010x}"
        ]
    return [f"stack: {used} of {size} bytes in use, {sp - limit.address} left"]


def _last(crash: Crash) -> list[str]:
    """The last samples and decisions that the recorder had."""
    out = []
    for slot, sensor in sorted(crash.dump.sensors.items()):
        pieces = [p for p in crash.dump.pieces if p.slot == slot and p.codes]
        if pieces:
            out.append(f"last samples of {slot}: " + "; ".join(_rows(max(pieces, key=lambda p: p.first), sensor)))
    for d in crash.dump.decisions[-3:]:
        out.append(f"decided: {d.label or d.index}, score {d.score:.3f}")
    return out


def _rows(piece: Piece, sensor: object) -> list[str]:
    from sim.field.wire import LoggedSensor

    assert isinstance(sensor, LoggedSensor)
    size = sensor.channels * sensor.width
    rows = [piece.codes[i : i + size] for i in range(0, len(piece.codes) // size * size, size)][-_LAST:]
    signed = sensor.width == 2
    return [
        str(
            [
                int.from_bytes(r[i : i + sensor.width], "little", signed=signed)
                for i in range(0, min(size, 16), sensor.width)
            ]
        )
        for r in rows
    ]
