"""machine.intercept: a function of an unmodified image, replaced by one of the test's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from native import native_elf, product

from sim.errors import CallWarning, UsageError
from sim.machine import Machine
from sim.machine.intercepting import InterceptedCall


@pytest.fixture(scope="module", params=["softfp", "hard"])
def abi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_elf(tmp_path_factory.mktemp(str(request.param)), floats=str(request.param))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_elf(tmp_path_factory.mktemp("native"))


def rounds(machine: Machine, n: int) -> None:
    """Let main() go through n whole rounds."""
    for _ in range(n + 1):
        machine.run_to("store_it")


def test_it_gets_the_arguments_and_gives_the_result(abi: Path) -> None:
    with product(abi) as machine:
        asked: list[int | float] = []

        def imu(call: InterceptedCall) -> int:
            asked.append(call.arguments[0])
            assert call.caller == "main"
            return 1000 + int(call.arguments[0])

        def scaled(call: InterceptedCall) -> float:
            return float(call.arguments[0]) * 10

        with machine.intercept("imu_read", imu) as reading, machine.intercept("imu_scale", scaled):
            rounds(machine, 4)
            assert asked == [0, 1, 2, 3, 4]
            assert reading.calls == 5
            assert machine.read_int("g_out") == 1004 + 1 + 5
            assert np.frombuffer(machine.read("g_scaled"), dtype="<f4")[0] == 40.0
        rounds(machine, 1)
        assert machine.read_int("g_out") == 6 * 7 + 1 + 5, "the image's own function again"
        assert reading.calls == 5
        reading.remove()


def test_arguments_of_which_the_place_is_not_known(image: Path) -> None:
    with (
        product(image) as machine,
        machine.intercept("of_pair", lambda call: call.arguments[0]),
        pytest.raises(UsageError, match=r"of_pair\(\) takes a pair: only of numbers and pointers is the place"),
    ):
        machine.call(machine.elf.functions["caller_of_pair"] | 1)


@pytest.mark.filterwarnings("ignore::sim.errors.CallWarning")
def test_results_of_every_kind(image: Path) -> None:
    with product(image) as machine:
        with machine.intercept("minus64", lambda call: -(1 << 40)):
            assert machine.call("minus64", 1).value == -(1 << 40)
        with machine.intercept("add4", lambda call: np.int32(-5)):
            assert machine.call("add4", 1, 2, 3, 4).value == -5
        with machine.intercept("nothing", lambda call: None):
            assert machine.call("nothing").value is None
        with machine.intercept("many", lambda call: sum(int(a) for a in call.arguments)):
            assert machine.call("many", 1, 2, 3, 4, 5, 6, -7).value == 1 + 2 + 3 + 4 + 5 + 6 - 7
        with machine.intercept("halve", lambda call: call.arguments[0]):
            assert machine.call("halve", 5.0).value == 5.0


def test_the_original_can_run_after_all(image: Path) -> None:
    with product(image) as machine, machine.intercept("imu_read", lambda call: call.run_original()) as reading:
        rounds(machine, 3)
        assert reading.calls == 4
        assert machine.read_int("g_out") == 3 * 7 + 1 + 5


def test_a_call_of_what_is_replaced_says_so(image: Path) -> None:
    """It has 0 instructions, which every bound would keep."""
    with product(image) as machine:
        with machine.intercept("add4", lambda call: 7) as replaced:
            with pytest.warns(CallWarning, match=r"add4\(\) is replaced by a function of Python: nothing of") as warned:
                called = machine.call("add4", 1, 2, 3, 4)
            assert warned[0].filename == __file__
            assert (called.value, called.instructions, called.replaced, replaced.calls) == (7, 0, True, 1)
            assert "replaced=True" in repr(called)
        with machine.intercept("add4", lambda call: call.run_original()):
            assert not machine.call("add4", 1, 2, 3, 4).replaced
        called = machine.call("add4", 1, 2, 3, 4)
        assert called.instructions > 0
        assert not called.replaced


@pytest.mark.filterwarnings("ignore::sim.errors.CallWarning")
def test_memory_is_read_and_written_in_between(image: Path) -> None:
    with product(image) as machine:

        def fill(call: InterceptedCall) -> None:
            call.write(call.words[0], b"\1\0\2\0")

        with machine.intercept("negate", fill):
            assert machine.call("negate", np.zeros(2, dtype=np.int16), 2).buffers[0].tolist() == [1, 2]


def test_the_firmware_that_goes_round_it_takes_no_time(image: Path) -> None:
    with product(image) as machine:
        with machine.intercept("imu_read", lambda call: times.append(call.time)):
            times: list[float] = []
            rounds(machine, 3)
        measured = machine.measure("imu_read")
        assert measured.instructions.min > 0
        assert times == sorted(times)


def test_two_runs_are_the_same(image: Path) -> None:
    def once() -> list[object]:
        with product(image) as machine:
            seen: list[object] = []
            with machine.intercept("imu_read", lambda call: seen.append((call.time, call.words)) or 3):
                machine.run("500 us")
            return [*seen, machine.instructions, machine.time]

    assert once() == once()


@pytest.mark.parametrize(
    ("function", "replacement", "text"),
    [
        ("imu_raed", lambda call: 0, "has no function 'imu_raed'.*\n.*did you mean 'imu_read'"),
        ("swallowed", lambda call: 0, r"inlined away\?"),
        ("g_state", lambda call: 0, "is data, not a function"),
        ("HardFault_Handler", lambda call: 0, "cannot be replaced: the machine itself stops there"),
        ("imu_read", 5, "a function of Python goes there"),
    ],
    ids=["unknown", "inlined", "data", "handler", "no function"],
)
def test_what_cannot_be_replaced(image: Path, function: str, replacement: object, text: str) -> None:
    with product(image) as machine, pytest.raises(UsageError, match=text):
        machine.intercept(function, replacement)  # type: ignore[arg-type]


def test_the_board_starts_again(image: Path) -> None:
    with product(image) as machine:
        with machine.intercept("imu_read", lambda call: 100) as reading, machine.watch("g_out") as watch:
            machine.run("100 us")
            assert machine.read_int("g_out") == 106
            calls, events = reading.calls, len(watch.events)
            assert 0 < events <= calls
            machine.restart()
            machine.run("100 us")
            assert machine.read_int("g_out") == 106, "still replaced"
            assert reading.calls > calls
            assert {e.value for e in watch.events[events:]} >= {106}
            assert watch.events[events].time > watch.events[events - 1].time
        machine.run("100 us")
        assert machine.read_int("g_out") > 106


def test_one_function_is_replaced_once(image: Path) -> None:
    with product(image) as machine:
        with (
            machine.intercept("imu_read", lambda call: 0),
            pytest.raises(UsageError, match="is replaced or waited for already"),
        ):
            machine.intercept("imu_read", lambda call: 1)
        with machine.intercept("imu_read", lambda call: 1):
            pass


def test_a_replaced_function_is_not_measured(image: Path) -> None:
    with product(image) as machine, machine.intercept("imu_read", lambda call: 3) as reading:
        with pytest.raises(UsageError, match="is replaced or waited for: it cannot be measured"):
            machine.measure("imu_read")
        rounds(machine, 2)
        assert reading.calls == 3


@pytest.mark.parametrize(
    ("function", "result", "text"),
    [
        ("imu_read", 1 << 31, "does not fit into int32_t"),
        ("imu_read", "x", "a str cannot be given"),
        ("imu_read", 1.5, "1.5 is no integer"),
        ("store_it", 1, r"store_it\(\) gives nothing, and its replacement returned 1"),
    ],
)
def test_a_result_that_does_not_fit_is_an_error(image: Path, function: str, result: object, text: str) -> None:
    with (
        product(image) as machine,
        machine.intercept(function, lambda call: result),
        pytest.raises(UsageError, match=text),
    ):
        machine.run("1 ms")


def test_nothing_runs_from_inside(image: Path) -> None:
    with product(image) as machine:

        def run(call: InterceptedCall) -> None:
            machine.run("1 ms")

        def called(call: InterceptedCall) -> None:
            machine.call("nothing")

        for function in (run, called):
            with machine.intercept("imu_read", function), pytest.raises(UsageError, match="stands still in the Python"):
                machine.run("1 ms")


def test_an_error_of_the_test_comes_out_as_it_is(image: Path) -> None:
    with product(image) as machine:

        def broken(call: InterceptedCall) -> int:
            raise ValueError("mine")

        with machine.intercept("imu_read", broken), pytest.raises(ValueError, match="mine"):
            machine.run("1 ms")
