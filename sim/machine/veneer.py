"""A few instructions that lie beside an image, so that a test can call its functions: save, call, restore.

A call can come wherever the core stands still, in the middle of a function too. r0 to r15 are saved from outside; flags
and floating-point registers by this code, which runs before and behind the function. Its place is the end of the
machine's code memory, where no image reaches. Thumb code of Armv7-M; the words are those of the source beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.elf import Elf, Segment, Symbol
from sim.engines.protocol import Blob, Layout

# fmt: off
_CODE = (
    # enter: r5 function, r6 where to save to, r7 arguments, r8 bits
    "eff30084"  # mrs r4, apsr         before anything changes the flags
    "3460"      # str r4, [r6]
    "18f0020f"  # tst r8, #2           the FPU is to be switched on
    "08d0"      # beq 1f
    "2048"      # ldr r0, cpacr
    "0168"      # ldr r1, [r0]
    "41f47001"  # orr r1, #0xf00000
    "0160"      # str r1, [r0]
    "bff34f8f"  # dsb
    "bff36f8f"  # isb
    "eff31484"  # 1: mrs r4, control
    "7460"      # str r4, [r6, #4]
    "14f0040f"  # tst r4, #4           FPCA: floating-point registers are in use
    "06d0"      # beq 2f
    "f1ee103a"  # vmrs r3, fpscr
    "b360"      # str r3, [r6, #8]
    "06f11003"  # add r3, r6, #16
    "83ec200a"  # vstmia r3, {s0-s31}
    "18f0010f"  # 2: tst r8, #1        there are arguments in s0 to s15
    "01d0"      # beq 3f
    "97ec100a"  # vldmia r7, {s0-s15}
    "07f14007"  # 3: add r7, #64
    "97e80f00"  # ldmia r7, {r0-r3}
    "ffe7"      # b call
    "a847"      # call: blx r5
    "00bf"      # returned: nop
    "fde7"      # b returned
    # leave: r6 as above, r7 where s0 and s1 go, r8 bits
    "18f0010f"  # tst r8, #1           s0 and s1 are wanted
    "01d0"      # beq 4f
    "87ec020a"  # vstmia r7, {s0-s1}
    "7468"      # 4: ldr r4, [r6, #4]
    "14f0040f"  # tst r4, #4
    "06d0"      # beq 5f
    "06f11003"  # add r3, r6, #16
    "93ec200a"  # vldmia r3, {s0-s31}
    "b368"      # ldr r3, [r6, #8]
    "e1ee103a"  # vmsr fpscr, r3
    "84f31488"  # 5: msr control, r4
    "bff36f8f"  # isb
    "3468"      # ldr r4, [r6]
    "84f3008c"  # msr apsr_nzcvqg, r4
    "ffe7"      # b left
    "fee7"      # left: b left
    "00ee100a"  # give: vmov s0, r0    a result in floating-point registers
    "00ee901a"  # vmov s1, r1
    "7047"      # bx lr
    "00bf"
    "88ed00e0"  # cpacr: 0xe000ed88
)
# fmt: on
ENTER, CALL, RETURNED, LEAVE, LEFT, GIVE = (
    f"boardless_call{part}" for part in ("_enter", "", "_returned", "_leave", "_left", "_give")
)
_LABELS = {ENTER: 0, CALL: 0x4C, RETURNED: 0x4E, LEAVE: 0x52, LEFT: 0x82, GIVE: 0x84}
FLOATS, SWITCH_ON = 1, 2  # bits in r8
SAVED = 16 + 128  # bytes at r6: APSR, CONTROL, FPSCR, nothing, s0 to s31
ARGUMENTS = 64 + 16  # bytes at r7: s0 to s15, r0 to r3
_ROOM = 256


@dataclass(frozen=True)
class Veneer:
    """Where it lies."""

    address: int

    @property
    def blob(self) -> Blob:
        """The bytes to load."""
        return Blob(self.address, bytes.fromhex(_CODE))

    def at(self, label: str) -> int:
        """Address of a label, Thumb bit clear."""
        return self.address + _LABELS[label]

    def added_to(self, elf: Elf) -> Elf:
        """The image with this code in it, for what looks at calls and addresses."""
        data = bytes.fromhex(_CODE)
        segment = Segment(self.address, self.address, data, len(data))
        ends = [*sorted(_LABELS.values())[1:], len(data)]
        symbols = {
            name: Symbol(name, self.address + at, end - at, function=True)
            for (name, at), end in zip(_LABELS.items(), ends, strict=True)
        }
        return replace(elf, segments=(*elf.segments, segment), symbols={**elf.symbols, **symbols})


def veneer_for(elf: Elf, layout: Layout) -> Veneer | None:
    """At the end of the machine's code memory; None where the image reaches up to there."""
    address = layout.flash.origin + layout.flash_room - _ROOM
    for s in elf.segments:
        for start, size in ((s.address, s.memory_size), (s.load_address, len(s.data))):
            if start < address + _ROOM and address < start + size:
                return None
    return Veneer(address)
