"""Keywords on what the firmware decided, and on its console."""

from __future__ import annotations

import math
import re

from robot.api import logger
from robot.api.deco import keyword

from sim.decision import Decision
from sim.errors import UsageError
from sim.robot.board import BoardKeywords
from sim.robot.given import duration_of


class DecisionKeywords(BoardKeywords):
    """Waiting for decisions and for the console."""

    @keyword
    def wait_for_decision(self, label: str = "", within: str = "10 s") -> Decision:
        """Runs until the next decision (with that label). Returns it: ``${decision.label}``, ``.score``, ``.time``,
        ``.latency``."""
        self._decision = self._running.wait_for_decision(label=label or None, within=duration_of(within))
        logger.info(str(self._decision))
        return self._decision

    @keyword
    def no_decision_should_come(self, label: str = "", within: str = "1 s") -> None:
        """Runs for that much board time and fails if a decision (with that label) comes."""
        before = len(self._running.decisions)
        self._running.run(duration_of(within))
        come = [d for d in self._running.decisions[before:] if not label or d.label == label]
        if come:
            raise AssertionError(f"there came {len(come)} decisions, the first: {come[0]}")

    @keyword
    def decisions_should_be(self, *labels: str) -> None:
        """Fails unless the labels of all decisions so far are these, in that order."""
        made = [d.label for d in self._running.decisions]
        if made != list(labels):
            raise AssertionError(f"decisions: {', '.join(made) or 'none'}; not: {', '.join(labels)}")

    @keyword
    def score_should_be_above(self, score: float) -> None:
        """Fails unless the score of the decision last waited for is above that."""
        last = self._last()
        if not last.score > score:
            raise AssertionError(f"score {last.score:.3f} is not above {score:g}: {last}")

    @keyword
    def latency_should_be_below(self, duration: str) -> None:
        """Fails unless the decision last waited for came that soon behind the sample that completed it."""
        from sim.durations import PS, picoseconds

        last, most = self._last(), picoseconds(duration_of(duration)) / PS
        if math.isnan(last.latency) or not last.latency < most:
            raise AssertionError(f"latency {last.latency * 1e3:.3f} ms is not below {most * 1e3:g} ms: {last}")

    def _last(self) -> Decision:
        if self._decision is None:
            raise UsageError("no decision has been waited for in this test", hint="Wait For Decision")
        return self._decision

    # ---- console ----

    @keyword
    def wait_for_prompt(self, prompt: str = "> ", within: str = "1 s") -> None:
        """Runs until the firmware waits behind a prompt: the last line ends with it and is not over."""
        self._running.console.prompt(prompt, within=duration_of(within))

    @keyword
    def send_to_console(self, text: str, baud: int = 115200) -> None:
        """Sends a text to the UART, from now on in board time. ``\\n`` in it is an end of line."""
        self._running.console.send(text, baud=baud)

    @keyword
    def wait_for_console(self, text: str, within: str = "1 s", regexp: bool = False) -> str:
        """Runs until the text is on the console, behind the last one waited for. Returns what matched."""
        what = re.compile(text) if regexp else text
        return self._running.console.expect(what, within=duration_of(within))[0]

    @keyword
    def console_should_contain(self, text: str) -> None:
        """Fails unless the text is somewhere in the log so far."""
        if text not in self._running.console.text:
            raise AssertionError(f"{text!r} is not on the console:\n{self._running.console}")
