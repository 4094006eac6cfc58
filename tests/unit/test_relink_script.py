"""Linker scripts with their memory elsewhere: what of the numbers in them is an address."""

from __future__ import annotations

from pathlib import Path

from sim.boards import Board
from sim.engines.qemu.twins import layout_of
from sim.relink.moves import Moves
from sim.relink.script import moved_script


def test_in_a_flash_that_begins_at_0_small_numbers_are_sizes(tmp_path: Path) -> None:
    board = Board.load("nrf5340dk")
    script = tmp_path / "product.ld"
    script.write_text(
        "MEMORY { FLASH : ORIGIN = 0, LENGTH = 1M\n RAM : ORIGIN = 0x20000000, LENGTH = 512K }\n"
        "_flash_size = 0x00100000; _stack_size = 0x00000400; _estack = 0x20080000;\n"
    )
    layout = layout_of(board)
    text = moved_script(script, [], Moves.of(board, layout))
    assert f"FLASH  : ORIGIN = {layout.flash.origin:#x}, LENGTH = 0x100000" in text
    assert "_flash_size = 0x00100000; _stack_size = 0x00000400;" in text
    assert f"_estack = {layout.ram.origin + 0x80000:#x};" in text
