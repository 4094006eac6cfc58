"""What a red test shows: its own lines, what was awaited, what came, the state at board time, where the log is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bench import bench_elf, processes_with, wait_for

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")
HEAD = "import pytest\npytestmark = pytest.mark.firmware('bench.elf')\nFAULT, SAY, EXIT, SPIN, FLOOD = range(1, 6)\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("HOME", HOME)
    bench_elf(pytester.path)
    pytester.makeini("[pytest]\naddopts = -W error -p no:cacheprovider\n")
    return pytester


def failure(project: pytest.Pytester, body: str, *options: str) -> str:
    """The part FAILURES of what pytest prints of one failing test."""
    project.makepyfile(HEAD + body)
    result = project.runpytest(*options)
    result.assert_outcomes(failed=1)
    return result.stdout.str().partition("= FAILURES =")[2]


def in_order(text: str, *parts: str) -> None:
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, f"{part!r} is not in, or not in order:\n{text}"
        at = found + len(part)


def log_of(text: str) -> str:
    path = re.search(r"full log: (\S+\.log)", text)
    assert path, text
    return Path(path[1]).read_text(encoding="utf-8")


def test_four_parts(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
def test_flies(machine, recording):
    machine.imu.play(recording("running_07"))
    machine.wait_for_decision("flying", within="3 s")
    assert False, "not reached"
""",
    )
    in_order(
        text,
        '>       machine.wait_for_decision("flying", within="3 s")',
        "NotSeen: a decision 'flying' did not come within 3.000000 s of board time",
        "awaited: a decision 'flying'",
        "console, last lines:",
        "tick 022",
        "decisions, last:",
        "moving",
        "368 of 1190 samples of running_07",
        "state at board time 3.0",
        "board arduino_nano_33_ble, engine qemu",
        "firmware bench.elf",
        "pc=",
        "backtrace:",
        "full log: ",
        "test_four_parts.py:7: NotSeen",
    )
    assert "running.py" not in text
    assert "pytest_fixtures.py" not in text
    log = log_of(text)
    assert "bench" in log.splitlines()[0]
    assert all(f"tick {n:03d}" in log for n in range(1, 23))
    assert log.count("decision moving") + log.count("decision still") == 22
    times = [float(line[1:].split()[0]) for line in log.splitlines()]
    assert times == sorted(times)


def test_a_plain_assertion_has_the_state_too(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
def test_counts(machine):
    machine.run("1 s")
    assert len(machine.decisions) == 3
""",
    )
    in_order(text, "assert 7 == 3", "virtual board", "tick 007", "state at board time 1.0", "full log: ")
    assert "tick 001" in log_of(text)


def test_a_test_that_raises_has_it_as_well(project: pytest.Pytester) -> None:
    text = failure(project, "def test_it(machine):\n    machine.run('0.5 s')\n    raise KeyError('mine')\n")
    in_order(text, "KeyError: 'mine'", "virtual board", "state at board time 0.5")


def test_fault(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
def helper(machine):
    machine.run("5 s")

def test_it(machine):
    machine.write("command", FAULT)
    helper(machine)
""",
    )
    in_order(
        text,
        ">       helper(machine)",
        "def helper(machine):",
        '>       machine.run("5 s")',
        "FirmwareFailure: BusFault",
        "0xf0000000",
        "backtrace:",
        "main",
    )
    assert "running.py" not in text


def test_a_failed_machine_stays_failed_and_says_the_same(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
def test_it(machine):
    machine.write("command", FAULT)
    with pytest.raises(Exception, match="BusFault"):
        machine.run("5 s")
    machine.wait_for_decision()
""",
    )
    in_order(text, ">       machine.wait_for_decision()", "FirmwareFailure: BusFault")
    assert '>       machine.run("5 s")' not in text


def test_the_firmwares_own_handler_may_go_on(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
@pytest.mark.on_fault("run")
def test_it(machine):
    machine.write("command", FAULT)
    machine.wait_for_decision()
    machine.run("1 s")
    assert machine.elf.function_at(machine.registers()["pc"]).name == "BusFault_Handler"
    assert machine.time >= 1
    machine.wait_for_decision(within="1 s")
""",
    )
    in_order(text, "NotSeen: a decision did not come within 1.000000 s", "BusFault_Handler")


def test_firmware_that_ends_its_run(project: pytest.Pytester) -> None:
    text = failure(
        project,
        """
def test_it(machine):
    machine.write("command", EXIT)
    assert machine.run_to_exit() == 3
    machine.run("1 s")
""",
    )
    in_order(text, ">       machine.run", "has ended its run (bl_exit)")


def test_flood(project: pytest.Pytester) -> None:
    # The limit as it is takes ten seconds to reach.
    project.makeconftest(
        """
import pytest

@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("sim.machine.runner._CONSOLE_MAX", 100_000)
"""
    )
    body = "def test_it(machine):\n    machine.write('command', FLOOD)\n    machine.console.expect('x', within='1 h')\n"
    text = failure(project, body)
    in_order(text, "floods the UART: more than 100000 bytes", "full log: ")
    assert len(text) < 10_000
    assert len(log_of(text)) > 100_000


def test_a_fixture_of_the_users_own_shows_its_line(project: pytest.Pytester) -> None:
    project.makepyfile(
        HEAD
        + """
@pytest.fixture
def up(machine):
    machine.console.expect("login:", within="1 s")

def test_it(up):
    pass
"""
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    in_order(result.stdout.str(), '>       machine.console.expect("login:"', "NotSeen: 'login:' on the console")
    assert "machine.py" not in result.stdout.str()


def test_full_trace_hides_nothing(project: pytest.Pytester) -> None:
    body = "def test_it(machine):\n    machine.wait_for_decision('x', within='1 s')\n"
    assert "running.py" in failure(project, body, "--full-trace")


def test_logs_of_equal_names_and_of_parameters_do_not_mix(project: pytest.Pytester) -> None:
    body = (
        HEAD + "@pytest.mark.parametrize('t', ['1 s', '2 s'])\ndef test_it(machine, t):\n    machine.run(t)\n    0/0\n"
    )
    project.makepyfile(test_a=body, test_b=body)
    result = project.runpytest()
    result.assert_outcomes(failed=4)
    logs = re.findall(r"full log: (\S+\.log)", result.stdout.str())
    assert len(set(logs)) == 4
    assert all(Path(log).is_file() for log in logs)


def test_expected_failures_stay_expected(project: pytest.Pytester) -> None:
    project.makepyfile(
        HEAD
        + """
@pytest.mark.xfail(strict=True)
def test_it(machine):
    machine.wait_for_decision("x", within="1 s")

def test_skips(machine):
    pytest.skip("not today")
"""
    )
    project.runpytest().assert_outcomes(xfailed=1, skipped=1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_stopped_in_the_middle_no_process_is_left(project: pytest.Pytester, how: signal.Signals) -> None:
    project.makepyfile(HEAD + "def test_it(machine):\n    machine.write('command', SPIN)\n    machine.run('10 h')\n")
    mark = str(project.path / "bench.elf")
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for("QEMU", lambda: any("qemu" in line for line in processes_with(mark)))
        running.send_signal(how)
        out, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    if how is signal.SIGINT:
        assert running.returncode == pytest.ExitCode.INTERRUPTED, out.decode()
    wait_for("the end of QEMU", lambda: not processes_with(mark))
