"""What an engine is given to start: the image, and the functions at which a machine stops by itself."""

from __future__ import annotations

from sim.boards import Board
from sim.elf import Elf
from sim.engines.protocol import Blob, Debugger, Image, Layout, Watch
from sim.port.mailbox import DOORBELL
from sim.vectors import endless_handlers, fault_handlers, uses_timers

# Functions whose call means that the firmware has given up, and what that is called.
ENDINGS = {
    "abort": "abort() was called",
    "_exit": "exit() was called",
    "__assert_func": "an assertion of the firmware failed",
    "__stack_chk_fail": "stack smashing detected",
    "__cxa_pure_virtual": "a pure virtual function was called",
    "boardless_main_returned": "main() returned",
}
CONSOLE_SYMBOL = "boardless_console_putc"


def image_of(
    elf: Elf,
    board: Board,
    layout: Layout,
    *,
    on_fault: str,
    watch: Watch | None,
    blob: Blob | None,
    debugger: Debugger | None,
) -> tuple[Image, frozenset[str]]:
    """The image, and those of its stops where the number of the exception tells whether it is the end."""
    table = layout.vectors
    functions = dict(elf.functions)
    stops = [name for name in (*ENDINGS, DOORBELL) if name in functions]
    handlers: set[str] = set()
    if on_fault == "stop":
        names = {address: name for name, address in functions.items()}
        for address in sorted(fault_handlers(elf, table) | endless_handlers(elf, table)):
            name = names.get(address, f"handler at {address:#x}")
            functions[name] = address
            handlers.add(name)
    image = Image(
        elf=elf.path,
        layout=layout,
        functions=functions,
        timers=layout.io == "bus" or uses_timers(elf, table),
        console_symbol=CONSOLE_SYMBOL if CONSOLE_SYMBOL in functions else "",
        stops=[*stops, *sorted(handlers)],
        watch=watch,
        timing=board.timing,
        blob=blob,
        debugger=debugger,
        stack=watch.stack if watch is not None and watch.stack is not None else layout.ram,
    )
    return image, frozenset(handlers)
