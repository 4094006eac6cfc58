"""Keywords on cycles, memory and deadlines."""

from __future__ import annotations

from robot.api.deco import keyword

from sim.errors import UsageError
from sim.robot.board import BoardKeywords
from sim.robot.given import number_of, place_of


class FigureKeywords(BoardKeywords):
    """Bounds on what a test took, and memory itself."""

    @keyword
    def figure_should_be_at_most(self, figure: str, bound: str) -> None:
        """Fails if a figure of this test so far is above a bound, and names what contributes most to it.

        ``figure``: a name of docs/budgets.md: ``cycles``, ``instructions``, ``stack``, ``flash``, ``ram_static``,
        ``arena_used``, ``latency``, ... ``bound`` with its unit: ``3 M``, ``256 KiB``, ``250 ms``.
        """
        from sim import budgets

        self._running  # noqa: B018
        record = self._record()
        bounds = budgets.marked_budgets({figure: number_of(bound)}, (), "Figure Should Be At Most")
        results = budgets.check(bounds.values(), record)
        missed = budgets.failure(results, record)
        if missed is not None:
            raise missed
        absent = next((r for r in results if r.value is None), None)
        if absent is not None:
            raise UsageError(f"no figure {figure!r} in this test: {absent.why}")

    @keyword
    def cycles_should_be_below(self, bound: str) -> None:
        """Fails if an inference took more cycles than that. Needs an engine and a board with a timing model."""
        self.figure_should_be_at_most("cycles", bound)

    @keyword
    def instructions_should_be_below(self, bound: str) -> None:
        """Fails if an inference took more instructions than that."""
        self.figure_should_be_at_most("instructions", bound)

    @keyword
    def stack_should_be_below(self, bound: str) -> None:
        """Fails if the stack went deeper than that: ``4 KiB``."""
        self.figure_should_be_at_most("stack", bound)

    @keyword
    def flash_should_be_below(self, bound: str) -> None:
        """Fails if the image takes more flash than that: ``256 KiB``."""
        self.figure_should_be_at_most("flash", bound)

    @keyword
    def no_deadline_should_be_missed(self) -> None:
        """Fails if the firmware did not keep up with a sensor it reads."""
        deadlines = self._running.deadlines
        if not deadlines.kept:
            raise AssertionError(str(deadlines))

    # ---- memory ----

    @keyword
    def read_memory(self, where: str, length: int) -> bytes:
        """Bytes of a symbol, or at an address (``0x20000000``)."""
        return self._running.read(place_of(where), length)

    @keyword
    def write_memory(self, where: str, data: bytes) -> None:
        """Writes bytes to a symbol, or to an address (``0x20000000``)."""
        self._running.write(place_of(where), data)
