"""Ctrl-C and SIGTERM end a command whatever it is at."""

from __future__ import annotations

import subprocess
import sys

import pytest

# An object that is finalised just when the signal comes: Python swallows what is raised there.
SCRIPT = """
import signal, sys, time
import sim.cli, sim.cli.doctor

class Finalised:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))

def run(args):
    Finalised()
    time.sleep(20)
    return 0

sim.cli.doctor.run = run
sys.exit(sim.cli.main(["doctor"]))
"""


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_an_interrupt_in_a_finaliser_is_not_lost(number: int, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(number)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (code, "boardless doctor: stopped\n")
