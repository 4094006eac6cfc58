"""Keywords that start and end a board, and let it run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from sim.decision import Decision
from sim.errors import CannotPlay, UsageError
from sim.firmware import Firmware
from sim.machine import Machine
from sim.robot.given import duration_of, folders, path_of, variable
from sim.settings import Settings
from sim.target import Target


class BoardKeywords:
    """One board for each test."""

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
        settings = replace(
            settings,
            board=board or variable("BOARD") or self._board or settings.board,
            engine=engine or variable("ENGINE") or self._engine or settings.engine,
        )
        try:
            target = Target.of(settings)
        except CannotPlay as error:
            raise SkipExecution(str(error)) from None
        missing = getattr(target.engine, "missing", str)()
        if missing:
            raise SkipExecution(f"no engine {target.engine.name} here: {missing}")
        if firmware:
            self._firmware = Firmware.from_elf(path_of(firmware), board=target.board)
        else:
            folder = path_of(app) if app else None
            source = folder if folder is not None and folder.is_dir() else (app or "invoke")
            self._firmware = target.build(source, path_of(model).absolute() if model else None)
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

    def _record(self) -> Any:
        from sim.report import collect

        assert self._firmware is not None
        name = variable("TEST_NAME") or "test"
        return collect.of_machine(name, "passed", self._running, self._firmware)

    # ---- sensors and time ----

    @keyword
    def play_recording(self, sensor: str, recording: str) -> None:
        """Plays a recording to a sensor of the board (``imu``, ``microphone``, ...) from now on.

        ``recording`` is a path, or a name: beside the suite, in its ``recordings/``, or one that boardless ships.
        """
        from sim.sensors.find import find_recording
        from sim.sensors.recording import Recording

        self._running.sensor(sensor).play(Recording.load(find_recording(recording, folders())))

    @keyword
    def run_for(self, duration: str) -> None:
        """Runs the board for that much board time."""
        self._running.run(duration_of(duration))

    @keyword
    def run_to_end_of_recordings(self, within: str = "1 h") -> None:
        """Runs until the firmware has taken all that is played to its sensors."""
        self._running.run_to_end(duration_of(within))

    @keyword
    def board_time(self) -> float:
        """Board time in seconds since reset."""
        return self._running.time
