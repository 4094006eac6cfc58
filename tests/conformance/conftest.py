"""How much of the conformance models runs: a seeded sample on one board, or all on all boards.

BOARDLESS_CONFORMANCE=all (`make conformance`) runs all; `--board` chooses the boards.
"""

from __future__ import annotations

import os
import random

import goldens
import pytest

from sim.settings import Settings

SAMPLE = 12
SEED = 20261122


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "board_name" not in metafunc.fixturenames:
        return
    boards, names = metafunc.config.getoption("--board"), goldens.names()
    if os.environ.get("BOARDLESS_CONFORMANCE") == "all":
        from sim.boards import all_boards

        boards = boards or [b.name for b in all_boards()]
    else:
        runs = sorted(set(names) - set(goldens.refused_by_2020()))
        names = sorted(random.Random(SEED).sample(runs, SAMPLE))
    metafunc.parametrize("board_name", boards or [Settings().board], scope="module")
    metafunc.parametrize("name", names)


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    """The tree and kernels of the command line or the project."""
    option = request.config.getoption
    return Settings.load({"tflm": option("--boardless-tflm"), "kernels": option("--boardless-kernels")})
