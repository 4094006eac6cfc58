"""Robot Framework on virtual boards: `Library    sim.robot    board=arduino_nano_33_ble`.

Keywords do what the pytest fixtures do, on any engine. Needs the extra `robot`; nothing else of boardless imports this.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from robot.api import SkipExecution, logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn, RobotNotRunningError

from sim import __version__
from sim.decision import Decision
from sim.errors import UsageError
from sim.firmware import Firmware
from sim.machine import Machine
from sim.settings import Settings
from sim.target import Target


@library(scope="TEST", version=__version__, auto_keywords=False, doc_format="ROBOT")
class BoardlessLibrary:
    """Tests of TinyML firmware on virtual boards, with Robot Framework.

    | *** Settings ***
    | Library           sim.robot    board=arduino_nano_33_ble
    | Test Teardown     Stop Board
    |
    | *** Test Cases ***
    | Running Is Recognised
    |     Start Board               app=gesture
    |     Play Recording            imu    running_07
    |     ${decision} =             Wait For Decision    label=running    within=10 s
    |     Latency Should Be Below   250 ms
    |     Cycles Should Be Below    30 M

    A board and an engine can be given where the library is imported, where a board is started, or by the settings of
    the project (``boardless.toml``, ``BOARDLESS_BOARD``, ``BOARDLESS_ENGINE``); the variables ``${BOARD}`` and
    ``${ENGINE}`` win over the import, so that a suite runs elsewhere by ``robot --variable ENGINE:renode``. Where the
    engine is not installed, the test is skipped with the reason.

    Durations are of board time: ``2 s``, ``150 ms``; a bare number is seconds. Every test has a board of its own; it is
    gone when the test ends. A firmware that faults, hangs or resets fails the keyword in that moment, with its
    registers, backtrace and log.
    """

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, board: str = "", engine: str = "") -> None:
        """``board`` and ``engine`` are the defaults of `Start Board`."""
        self.ROBOT_LIBRARY_LISTENER = self
        self._board, self._engine = board, engine
        self._machine: Machine | None = None
        self._firmware: Firmware | None = None
        self._target: Target | None = None
        self._decision: Decision | None = None

    # ---- the board ----

    @keyword
    def start_board(
        self,
        app: str = "",
        model: str = "",
        firmware: str = "",
        board: str = "",
        engine: str = "",
        on_fault: str = "stop",
    ) -> str:
        """Starts a virtual board and runs until the firmware is ready. Returns what it is, in words.

        ``app``: an app of boardless, or a folder with one. ``model``: a ``.tflite`` for it (without an app: any model,
        run by the app ``invoke``). ``firmware``: a finished ELF instead. Paths are meant from the suite's folder.
        """
        self._close()
        if bool(firmware) == bool(app or model):
            raise UsageError(
                "Start Board: which firmware?", hint="app=gesture, model=my.tflite, or firmware=product.elf"
            )
        settings = Settings.load()
        target = Target.of(
            replace(
                settings,
                board=board or _variable("BOARD") or self._board or settings.board,
                engine=engine or _variable("ENGINE") or self._engine or settings.engine,
            )
        )
        missing = getattr(target.engine, "missing", str)()
        if missing:
            raise SkipExecution(f"no engine {target.engine.name} here: {missing}")
        if firmware:
            self._firmware = Firmware.from_elf(_path(firmware), board=target.board)
        else:
            folder = _path(app) if app else None
            source = folder if folder is not None and folder.is_dir() else (app or "invoke")
            self._firmware = target.build(source, _path(model).absolute() if model else None)
        self._target = target
        self._machine = target.started(self._firmware.elf, on_fault=on_fault)
        if "boardless_invoke" in self._machine.elf.functions:
            self._machine.keep_region("boardless_invoke")
        self._machine.run_until_ready()
        logger.info(f"boardless_board: {target.board.name}")
        logger.info(f"boardless_engine: {self._machine.engine_text}")
        logger.info(f"boardless_firmware_sha256: {self._firmware.sha256}")
        return f"{target.board.name} on {self._machine.engine_text}, firmware {self._firmware.sha256[:12]}"

    @keyword
    def stop_board(self) -> None:
        """Ends the board; good as ``Test Teardown``. Logs the figures of the test, as pytest has them in JUnit files.

        Without it the board ends with the test all the same, but nothing is logged.
        """
        if self._machine is not None:
            from sim.report.junit import properties

            for name, value in properties(self._record()):
                logger.info(f"{name}: {value}")
        self._close()

    def end_test(self, data: Any, result: Any) -> None:
        """Robot calls it behind every test."""
        self._close()

    def _close(self) -> None:
        machine, self._machine, self._firmware, self._decision = self._machine, None, None, None
        if machine is not None:
            machine.close()

    @property
    def _running(self) -> Machine:
        if self._machine is None:
            raise UsageError("no board has been started in this test", hint="Start Board    app=gesture")
        return self._machine

    # ---- sensors and time ----

    @keyword
    def play_recording(self, sensor: str, recording: str) -> None:
        """Plays a recording to a sensor of the board (``imu``, ``microphone``, ...) from now on.

        ``recording`` is a path, or a name: beside the suite, in its ``recordings/``, or one that boardless ships.
        """
        from sim.sensors.find import find_recording
        from sim.sensors.recording import Recording

        self._running.sensor(sensor).play(Recording.load(find_recording(recording, _folders())))

    @keyword
    def run_for(self, duration: str) -> None:
        """Runs the board for that much board time."""
        self._running.run(_duration(duration))

    @keyword
    def run_to_end_of_recordings(self, within: str = "1 h") -> None:
        """Runs until the firmware has taken all that is played to its sensors."""
        self._running.run_to_end(_duration(within))

    @keyword
    def board_time(self) -> float:
        """Board time in seconds since reset."""
        return self._running.time

    # ---- decisions ----

    @keyword
    def wait_for_decision(self, label: str = "", within: str = "10 s") -> Decision:
        """Runs until the next decision (with that label). Returns it: ``${decision.label}``, ``.score``, ``.time``,
        ``.latency``."""
        self._decision = self._running.wait_for_decision(label=label or None, within=_duration(within))
        logger.info(str(self._decision))
        return self._decision

    @keyword
    def no_decision_should_come(self, label: str = "", within: str = "1 s") -> None:
        """Runs for that much board time and fails if a decision (with that label) comes."""
        before = len(self._running.decisions)
        self._running.run(_duration(within))
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

        last, most = self._last(), picoseconds(_duration(duration)) / PS
        if math.isnan(last.latency) or not last.latency < most:
            raise AssertionError(f"latency {last.latency * 1e3:.3f} ms is not below {most * 1e3:g} ms: {last}")

    def _last(self) -> Decision:
        if self._decision is None:
            raise UsageError("no decision has been waited for in this test", hint="Wait For Decision")
        return self._decision

    # ---- console ----

    @keyword
    def wait_for_console(self, text: str, within: str = "1 s", regexp: bool = False) -> str:
        """Runs until the text is on the console, behind the last one waited for. Returns what matched."""
        what = re.compile(text) if regexp else text
        return self._running.console.expect(what, within=_duration(within))[0]

    @keyword
    def console_should_contain(self, text: str) -> None:
        """Fails unless the text is somewhere in the log so far."""
        if text not in self._running.console.text:
            raise AssertionError(f"{text!r} is not on the console:\n{self._running.console}")

    # ---- figures ----

    @keyword
    def figure_should_be_at_most(self, figure: str, bound: str) -> None:
        """Fails if a figure of this test so far is above a bound, and names what contributes most to it.

        ``figure``: a name of docs/budgets.md: ``cycles``, ``instructions``, ``stack``, ``flash``, ``ram_static``,
        ``arena_used``, ``latency``, ... ``bound`` with its unit: ``3 M``, ``256 KiB``, ``250 ms``.
        """
        from sim import budgets

        self._running  # noqa: B018
        record = self._record()
        bounds = budgets.marked_budgets({figure: _number(bound)}, (), "Figure Should Be At Most")
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

    def _record(self) -> Any:
        from sim.report import collect

        assert self._firmware is not None
        name = _variable("TEST_NAME") or "test"
        return collect.of_machine(name, "passed", self._running, self._firmware)

    # ---- memory ----

    @keyword
    def read_memory(self, where: str, length: int) -> bytes:
        """Bytes of a symbol, or at an address (``0x20000000``)."""
        return self._running.read(_place(where), length)

    @keyword
    def write_memory(self, where: str, data: bytes) -> None:
        """Writes bytes to a symbol, or to an address (``0x20000000``)."""
        self._running.write(_place(where), data)


def _variable(name: str) -> str:
    """A variable of Robot's; empty where it is not set, or nothing runs (libdoc)."""
    try:
        return str(BuiltIn().get_variable_value(f"${{{name}}}", "") or "")
    except RobotNotRunningError:
        return ""


def _folders() -> list[Path]:
    source = _variable("SUITE_SOURCE")
    return [Path(source).parent] if source else []


def _path(given: str) -> Path:
    """A path as the suite means it: from its own folder, if it is there."""
    return next((f / given for f in _folders() if (f / given).exists()), Path(given))


def _place(where: str) -> str | int:
    return int(where, 0) if where[:1].isdigit() else where


def _duration(given: str) -> str | float:
    """Robot gives texts: `2 s`, but `0.5` is a number of seconds."""
    return float(given) if re.fullmatch(r"[0-9.]+", given) else given


def _number(given: str) -> str | float:
    return float(given) if re.fullmatch(r"[0-9_]+(\.[0-9]+)?", given) else given


robot = cast(Any, BoardlessLibrary)  # `Library    sim.robot` takes what has the module's name

__all__ = ["BoardlessLibrary", "robot"]
