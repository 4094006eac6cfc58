"""The fake engine's clock: cycles where the image has a timing model, else instructions."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sim.boards import Board
from sim.engines.fake import Arrive, Call, FakeCore, FakeEngine, FakeSession, Step, fake_elf
from sim.engines.protocol import Arm, Image, RegionRun, StopKind

EACH = 3


def program(core: FakeCore) -> Generator[Step, None, None]:
    yield 100
    core.send(b"ab")
    yield Call("work", 10)
    yield 1000
    yield Arrive("abort")


def started(timed: bool) -> FakeSession:
    board, engine = Board.load("nucleo_l4r5zi"), FakeEngine(program=program, cycles_each=EACH)
    elf = fake_elf(board, ["work"])
    image = Image(
        elf.path, engine.layout(board), elf.functions, stops=["abort"], timing=board.timing if timed else None
    )
    session = engine.start(image)
    session.arm("work", Arm(region=True))
    return session


@pytest.mark.parametrize("timed", [False, True])
def test_limits_marks_and_regions_are_in_the_clock_of_the_image(timed: bool) -> None:
    session, each = started(timed), EACH if timed else 1
    assert session.resume(400).kind is StopKind.LIMIT
    assert session.instructions == -(-400 // each)
    assert session.cycles == (402 if timed else None)
    assert session.console() == (b"ab", [100 * each, 101 * each])
    assert session.regions() == [RegionRun("work", 102, 112, 0, *((306, 336) if timed else (0, 0)))]
    assert session.resume(None).symbol == "abort"
    assert session.instructions == 1112
