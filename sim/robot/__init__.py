"""Robot Framework on virtual boards: `Library    sim.robot    board=arduino_nano_33_ble`.

Keywords do what the pytest fixtures do, on any engine. Needs the extra `robot`; nothing else of boardless imports this.
"""

from __future__ import annotations

from typing import Any, cast

from robot.api.deco import library

from sim import __version__
from sim.robot.decisions import DecisionKeywords
from sim.robot.figures import FigureKeywords


@library(scope="TEST", version=__version__, auto_keywords=False, doc_format="ROBOT")
class BoardlessLibrary(DecisionKeywords, FigureKeywords):
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
    engine is not installed, or cannot play the board, the test is skipped with the reason.

    Durations are of board time: ``2 s``, ``150 ms``; a bare number is seconds. Every test has a board of its own; it is
    gone when the test ends. A firmware that faults, hangs or resets fails the keyword in that moment, with its
    registers, backtrace and log.
    """


robot = cast(Any, BoardlessLibrary)  # `Library    sim.robot` takes what has the module's name

__all__ = ["BoardlessLibrary", "robot"]
