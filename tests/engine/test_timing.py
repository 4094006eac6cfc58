"""The timing model against the manual's figures: one snippet per instruction class, pairing, branch, flash line."""

from __future__ import annotations

from pathlib import Path

import pytest
from timing_bench import assembly, run, snippets

from sim.timing import TimingProfile

ADD = "adds r1, r1, r2"
# Cortex-M4 Technical Reference Manual (DDI 0439): tables 3-1 and 7-1, 3.3.2. `P` is the refill of a taken branch.
M4: dict[str, tuple[str, int, int]] = {  # what: (snippet, cycles, refills)
    "add": ("adds r0, r1, r2", 1, 0),
    "add immediate, wide": ("add.w r0, r1, #1000", 1, 0),
    "shifted operand": ("add.w r0, r1, r2, lsl #3", 1, 0),
    "move wide, top": ("movw r0, #0x1234; movt r0, #0x5678", 2, 0),
    "bit field": ("ubfx r0, r1, #3, #5; bfi r0, r1, #2, #4", 2, 0),
    "extend, reverse, count": ("sxtb r0, r1; rev r2, r3; clz r0, r1", 3, 0),
    "saturate, parallel": ("ssat r0, #8, r1; qadd r2, r3, r0; sadd16 r0, r1, r2; uxtab16 r0, r1, r2", 4, 0),
    "multiply": ("mul r0, r1, r2", 1, 0),
    "multiply accumulate": ("mla r0, r1, r2, r3; mls r0, r1, r2, r3; smmla r0, r1, r2, r3", 3, 0),
    "long multiply": ("smull r0, r1, r2, r3; umull r0, r1, r2, r3", 2, 0),
    "long multiply accumulate": ("smlal r0, r1, r2, r3; umlal r0, r1, r2, r3; smlald r0, r1, r2, r3", 3, 0),
    "dual multiply": ("smlad r0, r1, r2, r0; smuad r1, r2, r3; smlabb r0, r1, r2, r0", 3, 0),
    "load": (f"ldr r0, [r4]; {ADD}", 2 + 1, 0),
    "load byte, halfword, signed": (f"ldrb r0, [r4]; {ADD}; ldrsh r0, [r4, #2]; {ADD}; ldrh r0, [r4]; {ADD}", 9, 0),
    "load, base updated": (f"ldr r0, [r8], #0; {ADD}", 2 + 1, 0),
    "literal": (f"ldr r0, =0x12345678; {ADD}; b 1f; .ltorg; 1:", 2 + 1 + 1, 1),
    "two loads": (f"ldr r0, [r4]; ldr r3, [r5]; {ADD}", 3 + 1, 0),
    "load, store": (f"ldr r0, [r4, r6]; str r0, [r5, #20]; {ADD}", 3 + 1, 0),
    "load, store with register": (f"ldr r0, [r4, r6]; str r3, [r5, r6]; {ADD}", 3 + 1, 0),
    "three loads": (f"ldr r0, [r4, r6]; ldr r3, [r5]; ldr r8, [r5, #4]; {ADD}", 4 + 1, 0),
    "load of an address, load there": (f"ldr r3, [r4]; ldr r0, [r3]; {ADD}", 2 + 2 + 1, 0),
    "address from arithmetic": (f"adds r3, r5, #0; ldr r0, [r3]; {ADD}", 1 + 1 + 2 + 1, 0),
    "store": (f"str r0, [r4, #4]; {ADD}", 1 + 1, 0),
    "store with register": (f"str r0, [r4, r6]; {ADD}", 2 + 1, 0),
    "load multiple": (f"ldm r5, {{r0, r2, r3}}; {ADD}", 1 + 3 + 1, 0),
    "store multiple": (f"stm r5, {{r0, r1, r2, r3}}; {ADD}", 1 + 4 + 1, 0),
    "push, pop": ("push {r0, r1}; pop {r0, r1}", 3 + 3, 0),
    "load double": (f"ldrd r0, r3, [r4, #8]; {ADD}", 3 + 1, 0),
    "store double": (f"strd r0, r3, [r4, #8]; {ADD}", 3 + 1, 0),
    "word at a halfword": (f"ldr r0, [r4, #2]; {ADD}", 2 + 1 + 1, 0),
    "word at a byte": (f"ldr r0, [r4, #1]; {ADD}", 2 + 2 + 1, 0),
    "halfword at a byte": (f"ldrh r0, [r4, #1]; {ADD}", 2 + 1 + 1, 0),
    "branch": ("b 1f; .balign 4; 1:", 1, 1),
    "branch not taken": ("cmp r6, #1; beq 1f; 1:", 2, 0),
    "branch taken": ("cmp r6, #0; beq 1f; nop; 1:", 2, 1),
    "compare and branch, not taken": ("cbz r7, 1f; nop; 1:", 2, 0),
    "compare and branch, taken": ("cbz r6, 1f; nop; 1:", 1, 1),
    "call and return": ("mov r8, lr; bl 1f; mov lr, r8; b 2f; 1: bx lr; 2:", 5, 3),
    "if-then, folded": ("cmp r6, #0; ite eq; moveq r0, #1; movne r0, #2", 1 + 0 + 2, 0),
    "no operation": ("nop", 1, 0),
    "float add, multiply": ("vadd.f32 s0, s1, s2; vmul.f32 s3, s4, s5; vsub.f32 s6, s7, s8", 3, 0),
    "float, result used at once": ("vadd.f32 s0, s1, s2; vmul.f32 s3, s0, s5; nop", 3 + 1, 0),
    "float multiply accumulate": ("vmla.f32 s0, s1, s2; nop; vfma.f32 s3, s4, s5; nop", 3 + 3 + 2, 0),
    "float divide, root": ("vdiv.f32 s0, s1, s2; nop; vsqrt.f32 s3, s4; nop", 14 + 14 + 2, 0),
    "float convert, compare": ("vcvt.s32.f32 s0, s1; vcmp.f32 s2, s3; vneg.f32 s4, s5", 3, 0),
    "float load": (f"vldr s0, [r4]; {ADD}", 2 + 1, 0),
    "double load": (f"vldr d0, [r4]; {ADD}", 3 + 1, 0),
    "float store": (f"vstr s0, [r4]; {ADD}", 2 + 1, 0),
    "float load multiple": (f"vldmia r4, {{s0-s3}}; {ADD}", 1 + 4 + 1, 0),
    "float to core and back": ("vmov r0, s0; vmov s1, r1; vmov r2, r3, d1", 1 + 1 + 2, 0),
}
REFILL = 2


def core(name: str = "cortex-m4", **values: int) -> TimingProfile:
    profile = TimingProfile.of_core(name)
    assert profile is not None
    return profile.changed({f"core.{k}": v for k, v in {"refill": REFILL, "refill_register": REFILL, **values}.items()})


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    # r8 is a buffer for the one case that updates its base, by nothing.
    cases = {what: ("mov r8, r5;nop;" if "r8]" in text else "") + text for what, (text, _, _) in M4.items()}
    # Addresses are looked at with the memory model only; the table is for memory that never waits.
    profile = core().changed({**FLASH, "flash.wait_states": 0, "flash.miss": 0})
    return snippets(tmp_path_factory.mktemp("timing"), "cortex-m4", cases, profile)


@pytest.mark.parametrize("what", M4)
def test_m4_takes_what_the_manual_says(measured: dict[str, float], what: str) -> None:
    text, cycles, refills = M4[what]
    assert measured[what] == cycles + refills * REFILL + (2 if "r8]" in text else 0)


def test_division_is_within_the_manual(tmp_path: Path) -> None:
    found = snippets(tmp_path, "cortex-m4", {"s": "sdiv r0, r1, r7", "u": "udiv r0, r1, r7"}, core())
    assert all(2 <= cycles <= 12 for cycles in found.values())


def test_jump_to_a_wide_instruction_across_words_takes_longer(tmp_path: Path) -> None:
    cases = {
        "within": "b.n 1f; nop; .balign 4; 1: add.w r0, r0, #1",
        "across": "b.n 1f; .balign 4; nop; 1: add.w r0, r0, #1; nop",
    }
    found = snippets(tmp_path, "cortex-m4", cases, core(refill_wide=1))
    assert found["within"] == 1 + REFILL + 1
    assert found["across"] == 1 + REFILL + 1 + 1 + 1


def test_pairs_across_blocks(tmp_path: Path) -> None:
    # A page of QEMU's translation ends every 1 KB: a load before and one behind it overlap as anywhere.
    text = assembly({"many": "ldr r0, [r4]\n" * 1500}, ["many"])
    assert run(tmp_path, "cortex-m4", text, ["many"], core()).cycles("many") == [REFILL + 2 + 1499 + 1]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("cortex-m4", "adds r0, r4, #0; ldr r1, [r0]"),  # an address from the instruction in front
        ("cortex-m4", "cmp r0, #0; it ge; addge r2, #1"),  # IT folded into the one in front
        ("cortex-m4", "vadd.f32 s0, s1, s2; vadd.f32 s3, s0, s1; nop"),  # a result used at once
        ("cortex-m33", "ldr r1, [r4]; adds r0, r1, r2"),
        ("cortex-m33", "ldr r1, [r4]; nop; str r0, [r1]"),  # an address from a load two in front
        ("cortex-m7", "adds r0, r0, r2; adds r3, r1, r2; ldr r1, [r4]"),
    ],
)
def test_cuts_of_straight_code_cost_nothing(tmp_path: Path, name: str, what: str) -> None:
    """QEMU ends a block at each KB: moved by a halfword at a time, the code has each of its joints there once."""
    code = what.replace(";", "\n") + "\n"
    functions = {f"moved_{k}": "b.w 1f\n.balign 1024\n1:" + "nop\n" * k + code * 700 for k in range(6)}
    text = assembly(functions, list(functions))
    ran = run(tmp_path, name, text, list(functions), core(name))
    taken = [ran.cycles(function)[0] for function in functions]
    if name == "cortex-m7":  # two nops go together
        assert taken[::2] == [taken[0] + k for k in range(3)]
    else:
        assert taken == [taken[0] + k for k in range(6)]


def test_m3_has_slower_multiplies_and_no_fpu(tmp_path: Path) -> None:
    cases = {"mla": "mla r0, r1, r2, r3", "mul": "mul r0, r1, r2", "long": "smull r0, r1, r2, r3", "add": ADD}
    found = snippets(tmp_path, "cortex-m3", cases, core("cortex-m3"))
    assert found["add"] == found["mul"] == 1
    assert found["mla"] == 2
    assert 3 <= found["long"] <= 5


def test_m33_waits_for_a_load_only_when_it_is_used(tmp_path: Path) -> None:
    cases = {
        "apart": f"ldr r0, [r4]; {ADD}",
        "at once": "ldr r1, [r4]; adds r1, r1, r2",
        "store": f"str r0, [r4]; {ADD}",
    }
    found = snippets(tmp_path, "cortex-m33", cases, core("cortex-m33"))
    assert found == {"apart": 2, "at once": 3, "store": 2}


def test_m7_issues_two_at_a_time_unless_one_needs_the_other(tmp_path: Path) -> None:
    cases = {"apart": "adds r0, r1, r2; adds r3, r1, r2", "chain": "adds r0, r0, r2; adds r0, r0, r3"}
    found = snippets(tmp_path, "cortex-m7", cases, core("cortex-m7"))
    assert found["apart"] == 1
    assert found["chain"] == 2


# ---- memory ----

WAIT, MISS = 5, 1
FLASH = {
    "flash.wait_states": WAIT, "flash.miss": MISS, "flash.prefetch": 0,
    "icache.size": 1024, "icache.line": 32, "icache.sector": 8, "icache.ways": 0,
    "dcache.size": 256, "dcache.line": 32, "dcache.sector": 8, "dcache.ways": 0,
}  # fmt: skip


def test_each_line_of_flash_is_waited_for_once(tmp_path: Path) -> None:
    # 32-bit instructions, two in the 64 bits that flash reads at once: they hide 2 of the 6 cycles of the next read.
    pairs = 40
    text = assembly({"straight": "add.w r0, r1, r2\n" * 2 * pairs}, ["straight"] * 2)
    profile = core().changed(FLASH)
    first, again = run(tmp_path, "cortex-m4", text, ["straight"], profile).cycles("straight")
    assert again == REFILL + 2 * pairs + 1
    assert first == again + (WAIT + MISS) + pairs * (WAIT + MISS - 2)


def test_a_loop_larger_than_the_cache_waits_every_time(tmp_path: Path) -> None:
    text = assembly({"large": "add.w r0, r1, r2\n" * 600}, ["large"] * 3)
    cycles = run(tmp_path, "cortex-m4", text, ["large"], core().changed(FLASH)).cycles("large")
    assert cycles[1] == cycles[2] > 600 + 250 * (WAIT + MISS - 2)


def test_constants_in_flash_are_waited_for_once_per_read(tmp_path: Path) -> None:
    body = "movw r0, #:lower16:constants\nmovt r0, #:upper16:constants\nmovs r1, #16\n"
    body += "1: ldr r2, [r0], #4\nsubs r1, #1\nbne 1b"
    data = "\n.section .rodata\n.balign 32\nconstants: .space 256\n"
    text = assembly({"walk": body, "again": body.replace("1:", "2:").replace("1b", "2b")}, ["walk", "again"], data)
    ran = run(tmp_path, "cortex-m4", text, ["walk", "again"], core().changed(FLASH))
    # 16 words are 8 reads of 64 bits.
    assert ran.cycles("walk")[0] - ran.cycles("again")[0] == 8 * (WAIT + MISS)


def test_one_cache_for_both_holds_code_and_constants(tmp_path: Path) -> None:
    shape = {"cache.size": 8192, "cache.line": 16, "cache.sector": 16, "cache.ways": 2}
    profile = core("cortex-m33").changed({"flash.wait_states": 3, "flash.prefetch": 0, **shape})
    text = assembly({"straight": "add.w r0, r1, r2\n" * 64}, ["straight"] * 2)
    first, again = run(tmp_path, "cortex-m33", text, ["straight"], profile).cycles("straight")
    assert again == REFILL + 64 + 1
    assert first > again


def test_without_flash_figures_memory_never_waits(tmp_path: Path) -> None:
    text = assembly({"straight": "add.w r0, r1, r2\n" * 80}, ["straight"] * 2)
    ran = run(tmp_path, "cortex-m4", text, ["straight"], core())
    assert ran.cycles("straight") == [REFILL + 80 + 1] * 2
    assert ran.stalls.fetch == ran.stalls.data == ran.stalls.fetch_misses == 0
