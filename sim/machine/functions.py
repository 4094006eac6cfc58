"""Which code of an image is meant: a function by name, or an address as C has it in a pointer."""

from __future__ import annotations

from collections.abc import Iterable

from sim.elf import Elf, Symbol
from sim.engines.protocol import Layout
from sim.errors import UsageError, near
from sim.failure.demangle import without_arguments
from sim.given import place
from sim.machine.veneer import CALL


def function_meant(elf: Elf, where: str | int, layout: Layout) -> Symbol:
    """The function to call. Raises UsageError for what is no code, with near names for an unknown one."""
    where = place(where, f"a function at {where:#x}" if isinstance(where, int) else f"the function {where!r}")
    return _named(elf, where) if isinstance(where, str) else _at(elf, where, layout)


def _named(elf: Elf, name: str) -> Symbol:
    for known in (name, f"boardless_{name}"):
        if known in elf.functions:
            return elf.symbols[known]
    if name in elf.symbols:
        raise not_a_function(elf, name)
    check_one(elf, name)
    readable = [n for n in elf.readable if elf.symbols[n].function]
    found = _by_readable_name(elf, name, readable, "functions")
    if found is not None:
        return found
    data = _by_readable_name(elf, name, (n for n in elf.readable if n not in elf.functions), "symbols")
    if data is not None:
        raise not_a_function(elf, data.name)
    own = {n.removeprefix("boardless_") for n in elf.functions if not n.startswith(("_", CALL))}
    if not own and not readable:
        raise UsageError(
            f"{elf.path.name} has no symbols: {name!r} cannot be looked up",
            hint="give machine.call its address, Thumb bit set, or an ELF that was not stripped",
        )
    raise UsageError(
        f"{elf.path.name} has no function {name!r} (inlined away?)",
        hint=near(name, own | {without_arguments(elf.readable[n]) for n in readable}),
    )


def symbol_meant(elf: Elf, name: str) -> Symbol:
    """Data or a function by name. Raises UsageError, with near names, or with those of that name in the source."""
    if name in elf.symbols:
        return elf.symbols[name]
    check_one(elf, name)
    found = _by_readable_name(elf, name, elf.readable, "symbols")
    if found is not None:
        return found
    own = [elf.shown(n) for n in elf.symbols if not n.startswith(CALL)]  # not those of the veneer
    raise UsageError(f"{elf.path.name} has no symbol {name!r}", hint=near(name, own))


def check_one(elf: Elf, name: str) -> None:
    """Raises UsageError where several symbols have that name in their source: static in several files."""
    same = elf.of_one_name(name)
    if same:
        raise UsageError(f"{elf.path.name} has {len(same)} symbols {name!r}", hint=f"one of: {', '.join(same)}")


def not_a_function(elf: Elf, name: str) -> UsageError:
    """The error for a symbol that is none."""
    shown = elf.shown(name)
    if elf.symbols[name].size:
        return UsageError(f"{elf.path.name}: {shown!r} is data, not a function")
    return UsageError(f"{elf.path.name}: {shown!r} is a label, not a function",
                      hint=f"in assembler: .type {name}, %function; or give its address, Thumb bit set")  # fmt: skip


def _by_readable_name(elf: Elf, name: str, linkers: Iterable[str], what: str) -> Symbol | None:
    """One of C++ by its name as in the source, with or without arguments and what a template returns.

    Raises UsageError where there are several.
    """
    names, exact = {}, {}
    for linker in linkers:
        long = elf.readable[linker]
        short = without_arguments(long)
        if name == long:
            exact[linker] = linker  # a destructor and the one that frees have one name
        if name in (short, short + long.partition(short)[2], long.partition("@")[0]):
            names[linker] = long
    names = exact or names
    if len({elf.symbols[linker].address for linker in names}) > 1:  # constructors come as two that are one
        raise UsageError(f"{elf.path.name} has {len(names)} {what} {name!r}",
                         hint="one of: " + "; ".join(sorted(set(names.values()))))  # fmt: skip
    return elf.symbols[next(iter(names))] if names else None


def _at(elf: Elf, address: int, layout: Layout) -> Symbol:
    start = address & ~1
    found = elf.function_at(start)
    if found is not None and found.address != start:
        raise UsageError(
            f"{address:#010x} is in the middle of {elf.shown(found.name)}, which begins at {found.address | 1:#010x}"
        )
    if found is not None:
        return found
    data = next((s for s in elf.symbols.values() if not s.function and s.address <= start < s.address + s.size), None)
    if data is not None:
        raise UsageError(f"{address:#010x} is in {elf.shown(data.name)!r}, which is data, not code")
    if not address & 1:
        raise UsageError(f"{address:#010x} is even: an address of code has the Thumb bit set, as a pointer in C has it",
                         hint=f"{address | 1:#010x}")  # fmt: skip
    try:
        elf.read(start, 2)
    except IndexError:
        raise UsageError(
            f"{address:#010x} is no code of {elf.path.name}",
            hint=f"flash of the board is {layout.flash.origin:#010x} to {layout.flash.end:#010x}",
        ) from None
    return Symbol(f"function at {start:#010x}", start, 0, function=True)
