"""`machine.intercept`: a function of an image, replaced by one of the test's."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from sim.elf import Symbol
from sim.engines.protocol import Arm
from sim.errors import UsageError
from sim.failure.prototypes import CType, Prototype, prototype_of
from sim.machine import veneer as code
from sim.machine.arguments import WORD, Place, in_float_registers, number, places, value_of
from sim.machine.calling import check_can
from sim.machine.functions import function_meant
from sim.machine.runner import Runner

_SP, _LR, _PC = 13, 14, 15
_EXCEPTION_RETURN = 0xFFFFFF00  # LR of a handler: only the core itself can go there
_BRANCH_BACK = 8  # offset of `bx lr` behind GIVE


class InterceptedCall:
    """One call of a replaced function: its arguments, memory, board time."""

    def __init__(self, runner: Runner, function: Symbol, prototype: Prototype | None, core: Sequence[int]) -> None:
        self._runner, self._prototype, self._core = runner, prototype, core
        self._floats: Sequence[int] | None = None
        self.function = runner.elf.shown(function.name)
        self._call = runner.elf.shown_call(function.name)
        self.original = False

    @property
    def time(self) -> float:
        """Board time of the call in seconds."""
        return self._runner.time

    @property
    def words(self) -> tuple[int, int, int, int]:
        """r0 to r3."""
        return self._core[0], self._core[1], self._core[2], self._core[3]

    @property
    def floats(self) -> tuple[float, ...]:
        """s0 to s15 as C floats; empty where the core has no floating-point unit."""
        kind = CType("float", 4, "float")
        return tuple(float(number(w, kind) or 0.0) for w in self._float_words()[:16])

    @property
    def arguments(self) -> tuple[int | float, ...]:
        """The arguments by their C types. Raises UsageError where the image has no debug information of them."""
        if self._prototype is None:
            raise UsageError(f"the image does not say what {self._call} takes", hint="call.words are r0 to r3")
        kinds = self._prototype.parameters
        unknown = next((k.name for k in kinds if k.kind == "other"), None)
        if unknown is not None:
            raise UsageError(f"{self._call} takes a {unknown}: only of numbers and pointers is the place known",
                             hint="call.words are r0 to r3, call.read(...) what lies on the stack")  # fmt: skip
        sizes = [(8 if k.size > 4 else 4, k.kind == "float") for k in kinds]
        found = places(sizes, in_float_registers(self._runner.elf, self._prototype))[0]
        return tuple(number(self._bits(p, s), k) or 0 for p, (s, _), k in zip(found, sizes, kinds, strict=True))

    def _bits(self, place: Place, size: int) -> int:
        if place.where == "stack":
            return int.from_bytes(self.read(self._core[_SP] + place.index, size), "little")
        words = self._core if place.where == "core" else self._float_words()
        return sum(words[place.index + i] << 32 * i for i in range(size // 4))

    def _float_words(self) -> Sequence[int]:
        if self._floats is None:  # takes half a millisecond, so only who wants them gets them
            self._floats = self._runner.steered.floats()
        return self._floats

    @property
    def caller(self) -> str:
        """The function that called."""
        found = self._runner.elf.function_at((self._core[_LR] & ~1) - 1)
        return self._runner.elf.shown(found.name) if found is not None else ""

    def read(self, where: str | int, length: int | None = None) -> bytes:
        """As `Machine.read`."""
        return self._runner.memory.read(where, length)

    def write(self, where: str | int, data: bytes | int) -> None:
        """As `Machine.write`."""
        self._runner.memory.write(where, data)

    def run_original(self) -> None:
        """The function of the image runs after all; what the Python function returns is not used."""
        self.original = True


Replacement = Callable[[InterceptedCall], Any]


class Interception:
    """A function that is replaced, until `remove()` or the end of a `with`. `calls`: how often it was called so far."""

    def __init__(self, runner: Runner, name: str, replacement: Replacement) -> None:
        check_can(runner)
        if not callable(replacement):
            raise UsageError(f"intercept({name!r}, {replacement!r}): a function of Python goes there")
        self._runner, self._replacement = runner, replacement
        self._function = function_meant(runner.elf, name, runner.layout)
        self._prototype = prototype_of(runner.elf, self._function)
        self._call = runner.elf.shown_call(self._function.name)
        self.calls = 0
        at = self._function.address
        self._names = [n for n, address in runner.elf.functions.items() if address == at]
        for known in self._names:
            if known in runner.stops:
                raise UsageError(f"{known} cannot be replaced: the machine itself stops there")
            if known in runner.on_call:
                raise UsageError(f"{name!r} is replaced or waited for already", hint="remove() ends that")
        if not self._names:
            raise UsageError(f"{self._function.name} has no name: only functions with a symbol can be replaced")
        for known in self._names:
            runner.on_call[known] = self._called
        runner.session.arm(self._function.name, Arm(stop=True))

    def _called(self) -> None:
        runner = self._runner
        core = runner.steered.core()
        if not core:
            raise runner.failed(
                f"{self._call} was not called: the code in front of it runs into it, so it has no caller"
            )
        self.calls += 1
        call = InterceptedCall(runner, self._function, self._prototype, core)
        runner.standing_in = f"the Python function that replaces {self._call}"
        try:
            result = self._replacement(call)
        finally:
            runner.standing_in = ""
        if not call.original:
            runner.steered.set_core(self._back(core, result))

    def _back(self, core: Sequence[int], result: Any) -> list[int]:
        """Registers behind the return."""
        registers, veneer = list(core), self._runner.veneer
        assert veneer is not None
        registers[_PC] = registers[_LR] & ~1
        if registers[_LR] >= _EXCEPTION_RETURN:
            registers[_PC] = veneer.at(code.GIVE) + _BRANCH_BACK
        kind = self._prototype.result if self._prototype else None
        if result is None or (kind is not None and kind.kind == "void"):
            if result is not None:
                raise UsageError(f"{self._call} gives nothing, and its replacement returned {result!r}")
            return registers
        value = value_of(self._fitting(result, kind), kind, f"what replaces {self._call} returned")
        registers[0] = value.bits & WORD
        if value.size == 8:
            registers[1] = value.bits >> 32
        if value.floating and in_float_registers(self._runner.elf, self._prototype):
            registers[_PC] = veneer.at(code.GIVE)
        return registers

    @staticmethod
    def _fitting(result: Any, kind: CType | None) -> Any:
        if (
            kind is None
            and isinstance(result, int)
            and not isinstance(result, bool)
            and not -(1 << 31) <= result <= WORD
        ):
            import numpy as np

            if -(1 << 63) <= result < 1 << 64:
                return np.int64(result) if result < 1 << 63 else np.uint64(result)
        return result if isinstance(result, float) or hasattr(result, "dtype") else _integer(result)

    def remove(self) -> None:
        """The function of the image runs again. Safe to call twice."""
        if self._names and self._runner.on_call.get(self._names[0]) == self._called:
            for known in self._names:
                del self._runner.on_call[known]
            self._runner.session.arm(self._function.name, Arm())
        self._names = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()


def _integer(result: Any) -> Any:
    try:
        return operator.index(result)
    except TypeError:
        return result  # the check of the value says what is wrong with it
