"""From a core that stands still to the calls that led there.

Through the image's call frame information where it has some; through exception frames into the interrupted code
(Armv7-M ARM B1.5.6 to B1.5.8); elsewhere by looking on the stack for words that are return addresses. Nothing here
trusts what it reads: a stack may be overwritten, and so may be everything that it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sim.boards import Memory
from sim.elf import Elf
from sim.failure.debuginfo import LR, PC, SP, DebugInfo

Read = Callable[[int, int], bytes]
MOST = 48  # frames
_SCAN = 1024  # words of stack that are looked through for a return address
_NAMES = {"sp": SP, "lr": LR, "pc": PC}
_FRAME = (0, 1, 2, 3, 12, LR, PC)
THREAD = 0x01000000  # xPSR with the Thumb bit, no exception


@dataclass(frozen=True)
class Frame:
    """One level. `sure`: from unwind rules or registers; else it only looks like a return address.

    `interrupted`: an exception came here; the frames before it are those of its handler.
    """

    address: int
    sp: int
    sure: bool = True
    interrupted: bool = False
    called: bool = False  # `address` is where a call returns to, so the call itself lies before it
    note: str = ""

    @property
    def site(self) -> int:
        """An address inside the instruction that was executing."""
        return self.address - 1 if self.called else self.address


def is_exception_return(value: int) -> bool:
    """EXC_RETURN: what LR holds in a handler."""
    return value >= 0xFFFFFF80 and value & 1 == 1 and value != 0xFFFFFFFF


def frame_size(exception_return: int, xpsr: int) -> int:
    """Bytes that the exception put on the stack: basic or with floating-point registers, and the gap for alignment."""
    return (32 if exception_return & 0x10 else 104) + (4 if xpsr >> 9 & 1 else 0)


class Unwinder:
    """Walks one stack. `read` raises IndexError outside memory; `process_stacks` as `Session.process_stacks`."""

    def __init__(
        self,
        elf: Elf,
        info: DebugInfo | None,
        read: Read,
        ram: Memory,
        process_stacks: Sequence[int] = (),
    ) -> None:
        self._elf, self._info, self._read, self._ram = elf, info, read, ram
        self._process_stacks = list(process_stacks)
        self.note = ""  # why `frames` found no more, where that is a finding

    def frames(self, registers: Mapping[str, int]) -> list[Frame]:
        """Frames from the innermost outwards."""
        known = {_NAMES.get(n, int(n[1:]) if n[1:].isdigit() else -1): v for n, v in registers.items()}
        known.pop(-1, None)
        if PC not in known:
            return []
        out: list[Frame] = []
        here: Frame | None = Frame(known[PC] & ~1, known.get(SP, 0))
        seen = set()
        while here is not None and len(out) < MOST and (here.address, here.sp) not in seen:
            seen.add((here.address, here.sp))
            out.append(here)
            here = self._caller(here, known, innermost=len(out) == 1)
        return out

    # ---- one step ----

    def _caller(self, here: Frame, known: dict[int, int], *, innermost: bool) -> Frame | None:
        """The next frame outwards; `known` becomes its registers."""
        fresh = innermost or here.interrupted  # LR may still be the caller's
        rules = self._info.rules(here.site) if self._info is not None and here.sure else None
        if rules is not None:
            if rules.outermost:
                return None
            back = self._apply(rules.cfa_register, rules.cfa_offset, rules.saved, rules.undefined, known)
            if back is not None:
                found = self._at(back, known, sure=True)
                if found is not None or back in (0, 0xFFFFFFFF):
                    return found
                return self._scan(known, f"the return address is {back:#010x}: the stack is overwritten")
            return self._scan(known, "")
        if fresh and LR in known:
            back = known.pop(LR)
            function, own = self._elf.function_at(back & ~1), self._elf.function_at(here.address)
            # LR inside the function itself is what an earlier call left there.
            if is_exception_return(back) or function is None or function != own or here.address == function.address:
                found = self._at(back, known, sure=is_exception_return(back) or function is not None)
                if found is not None:
                    return found
        return self._scan(known, "")

    def _apply(
        self, register: int, offset: int, saved: Mapping[int, int], undefined: frozenset[int], known: dict[int, int]
    ) -> int | None:
        """Replace `known` by the caller's registers; the return address, None if it cannot be read."""
        base = known.get(register)
        if base is None:
            return None
        cfa = (base + offset) & 0xFFFFFFFF
        if cfa < known.get(SP, 0):
            return None  # stacks grow down: whatever this is, it is no caller's frame
        values = {r: self._word(cfa + at) for r, at in saved.items()}
        for r, value in values.items():
            if value is None:
                known.pop(r, None)
            else:
                known[r] = value
        for r in undefined:
            known.pop(r, None)
        known[SP] = cfa
        return known.pop(LR, None)

    def _at(self, back: int, known: dict[int, int], *, sure: bool) -> Frame | None:
        """The frame that `back`, a return address or EXC_RETURN, leads to."""
        if is_exception_return(back):
            return self._interrupted(back, known)
        if not self._returns_here(back):
            return None
        known[PC] = back & ~1
        return Frame(back & ~1, known.get(SP, 0), sure=sure, called=True)

    def _interrupted(self, back: int, known: dict[int, int]) -> Frame | None:
        places = self._process_stacks if back & 4 else [known.get(SP, 0)]
        for sp in places:
            words = [self._word(sp + 4 * i) for i in range(8)]
            if None in words:
                continue
            frame = [w for w in words if w is not None]
            if not frame[7] & THREAD or not self._is_code(frame[6]):
                continue
            if back & 4 and frame[7] & 0x1FF:
                continue  # only thread mode runs on the process stack
            known.update(zip(_FRAME, frame[:7], strict=True))
            known[SP] = sp + frame_size(back, frame[7])
            return Frame(frame[6] & ~1, known[SP], interrupted=True)
        return None

    def _scan(self, known: dict[int, int], note: str) -> Frame | None:
        """Look upwards on the stack for the next word that is a return address."""
        at = (max(known.get(SP, 0), self._ram.origin) + 3) & ~3
        for _ in range(_SCAN):
            word = self._word(at)
            if word is None:
                break
            at += 4
            if not (is_exception_return(word) or self._returns_here(word)):
                continue
            after: dict[int, int] = {SP: at}
            found = self._at(word, after, sure=False)
            if found is None:
                continue
            known.clear()
            known.update(after)
            return Frame(found.address, found.sp, found.interrupted, found.interrupted, found.called, note)
        self.note = note
        return None

    # ---- what words are ----

    def _word(self, address: int) -> int | None:
        try:
            return int.from_bytes(self._read(address, 4), "little")
        except IndexError:
            return None

    def _is_code(self, address: int) -> bool:
        return self._elf.function_at(address & ~1) is not None

    def _returns_here(self, value: int) -> bool:
        """Whether `value` is an address in Thumb state behind a call: BL, or BLX of a register."""
        if not value & 1 or value < 4:
            return False
        at = value & ~1
        try:
            before = self._read(at - 4, 4)
        except IndexError:
            return False
        first, second = int.from_bytes(before[:2], "little"), int.from_bytes(before[2:], "little")
        return (second & 0xFF87) == 0x4780 or ((first & 0xF800) == 0xF000 and (second & 0xD000) == 0xD000)
