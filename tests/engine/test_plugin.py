"""The pytest plugin as its users have it: which board, engine and firmware a test gets, and what pytest shows."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from bare import engine
from bench import bench_elf

from sim.paths import data_root

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")  # pytester moves it, and with it all caches
PORT = "import pytest\npytestmark = pytest.mark.firmware('bench.elf')\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("BOARDLESS_BOARD", "BOARDLESS_ENGINE", "BOARDLESS_KERNELS", "BOARDLESS_TFLM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", HOME)
    bench_elf(pytester.path)
    pytester.makeini("[pytest]\naddopts = -W error --strict-markers -p no:cacheprovider\n")
    return pytester


def test_fixtures(project: pytest.Pytester) -> None:
    project.makepyfile(
        PORT
        + """
def test_all_of_them(machine, firmware, board, recording):
    assert machine.port.app == "bench" and machine.board is board
    assert firmware.elf.name == "bench.elf" and machine.elf.sha256 == firmware.sha256
    assert 1000 < firmware.flash < 20_000 and board.name == "arduino_nano_33_ble"
    machine.imu.play(recording("running_07"))
    assert machine.wait_for_decision("moving", within="3 s").index == 1

def test_each_gets_a_fresh_one(machine):
    assert machine.decisions == [] and machine.time < 0.001
    machine.write("ticks", 40)
    machine.run("1 s")

def test_fresh_again(machine):
    assert machine.read_int("ticks") == 0

def test_board_needs_no_firmware(board):
    assert board.flash.size
"""
    )
    project.runpytest().assert_outcomes(passed=4)


def test_boards_of_a_marker_each_give_a_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        PORT
        + """
@pytest.mark.board("arduino_nano_33_ble", "stm32f4_discovery", "arduino_nano_33_ble")
@pytest.mark.parametrize("n", [1, 2])
def test_it(machine, n):
    assert machine.board.name in ("arduino_nano_33_ble", "stm32f4_discovery")
"""
    )
    result = project.runpytest("-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines_random(
        ["*test_it?arduino_nano_33_ble-1? PASSED*", "*test_it?stm32f4_discovery-2? PASSED*"]
    )


@pytest.mark.slow
def test_options_win_over_markers_and_markers_over_settings(project: pytest.Pytester) -> None:
    (project.path / "boardless.toml").write_text('board = "stm32f4_discovery"\n')
    project.makepyfile(
        PORT
        + """
def test_settings(board):
    print("SETTINGS", board.name)

@pytest.mark.board("arduino_nano_33_ble")
def test_marker(board):
    print("MARKER", board.name)
"""
    )
    result = project.runpytest("-s")
    result.stdout.fnmatch_lines_random(["*SETTINGS stm32f4_discovery*", "*MARKER arduino_nano_33_ble*"])
    result = project.runpytest("-v", "--board", "nucleo_l152re", "--board", "stm32f4_discovery", "--engine", "qemu")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines_random(["*test_marker?nucleo_l152re? PASSED*", "*test_marker?stm32f4_discovery?*"])


@pytest.mark.slow
def test_engines_of_other_packages(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that a package brings by its entry point; each test runs on each that is named."""
    package = project.mkdir("installed")
    (package / "second-1.0.dist-info").mkdir()
    (package / "second-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: second\nVersion: 1.0\n")
    (package / "second-1.0.dist-info" / "entry_points.txt").write_text("[boardless.engines]\nsecond = second:Second\n")
    (package / "second.py").write_text(
        "from sim.engines.qemu import QemuEngine\n\n\nclass Second(QemuEngine):\n    name = 'second'\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(package), prepend=os.pathsep)
    project.makepyfile(
        PORT
        + """
def test_it(machine):
    assert machine.engine.name in ("qemu", "second")

@pytest.mark.engine("second")
def test_marked(machine, request):
    if not request.config.getoption("--engine"):
        assert machine.engine_text.startswith("second ")

@pytest.mark.engine("qemu", "second")
@pytest.mark.board("arduino_nano_33_ble", "stm32f4_discovery")
def test_both(board):
    pass
"""
    )
    result = project.runpytest_subprocess("-v")
    result.assert_outcomes(passed=1 + 1 + 4)
    result.stdout.fnmatch_lines(["*::test_both?stm32f4_discovery-second? PASSED*"])
    result = project.runpytest_subprocess("-v", "--engine", "qemu", "--engine", "second")
    result.assert_outcomes(passed=2 + 2 + 4)
    version = engine().version()
    result.stdout.fnmatch_lines([f"boardless: qemu {version}, second {version}; *", "*::test_it?second? PASSED*"])


def test_the_nearest_marker_wins(project: pytest.Pytester) -> None:
    bench_elf(project.path, name="other.elf")
    project.makepyfile(
        PORT
        + """
@pytest.mark.firmware("other.elf")
class TestIt:
    def test_class(self, firmware):
        assert firmware.elf.name == "other.elf"

    @pytest.mark.firmware("bench.elf")
    def test_function(self, firmware):
        assert firmware.elf.name == "bench.elf"

    @pytest.mark.app("nothing_of_the_kind")
    def test_an_app_for_once(self, firmware):
        pass

@pytest.mark.board("arduino_nano_33_ble")
class TestBoard:
    @pytest.mark.board("stm32f4_discovery")
    def test_board(self, board):
        assert board.name == "stm32f4_discovery"
"""
    )
    result = project.runpytest()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*unknown app 'nothing_of_the_kind'*"])


def test_option_firmware_is_meant_from_where_pytest_is_called(project: pytest.Pytester) -> None:
    tests = project.mkdir("tests")
    (project.path / "bench.elf").rename(project.path / "product.elf")
    (tests / "test_it.py").write_text("def test_it(firmware):\n    assert firmware.elf.name == 'product.elf'\n")
    project.runpytest("--firmware", "product.elf", "tests").assert_outcomes(passed=1)


def test_paths_of_markers_are_meant_from_the_test_file_or_the_project(project: pytest.Pytester) -> None:
    tests = project.mkdir("tests")
    bench_elf(tests, name="beside.elf")
    mine = project.path / "boards" / "mine"
    mine.mkdir(parents=True)
    shipped = data_root() / "platforms" / "stm32f4_discovery" / "board.toml"
    (mine / "board.toml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    (tests / "test_it.py").write_text(
        """
import pytest

@pytest.mark.firmware("beside.elf")
@pytest.mark.board("../boards/mine")
def test_beside(machine):
    assert machine.board.folder.name == "mine"

@pytest.mark.firmware("bench.elf")
@pytest.mark.board("boards/mine", "arduino_nano_33_ble")
def test_top(machine):
    pass
"""
    )
    result = project.runpytest("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*test_top?mine? PASSED*"])


def test_paths_of_an_evaluation_are_meant_as_those_of_markers(project: pytest.Pytester) -> None:
    tests = project.mkdir("tests")
    (tests / "gesture" / "running").mkdir(parents=True)  # a set by the name of an app
    (tests / "gesture" / "running" / "broken.csv").write_text("")
    (project.path / "apps" / "mine").mkdir(parents=True)
    (project.path / "apps" / "mine" / "app.toml").write_text("")
    (tests / "test_it.py").write_text(
        """
import pytest
from sim.errors import UsageError

@pytest.mark.parametrize("name", ["../apps/mine", "apps/mine"])
def test_app(evaluate, name):
    with pytest.raises(UsageError, match="mine: .*\\n *an app is one C.. file"):
        evaluate(name)

def test_data(evaluate):
    with pytest.raises(UsageError, match="broken.csv: is empty"):
        evaluate("gesture", "gesture")
"""
    )
    project.runpytest(tests).assert_outcomes(passed=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marks", "fixture", "said"),
    [
        ("", "machine", "which firmware?"),
        ("@pytest.mark.board('arduino_nano_33_bel')", "board", "did you mean 'arduino_nano_33_ble'"),
        ("@pytest.mark.engine('qmeu')", "board", "did you mean 'qemu'?"),
        ("@pytest.mark.app('gestrue')", "machine", "did you mean 'gesture'?"),
        ("@pytest.mark.firmware('nothing.elf')", "machine", "nothing.elf: cannot be read: No such file or directory"),
        ("@pytest.mark.firmware(__file__)", "machine", "not an ELF"),
        ("@pytest.mark.firmware('bench.elf')\n@pytest.mark.on_fault('halt')", "machine", "'stop' or 'run'"),
        ("@pytest.mark.firmware('bench.elf')\n@pytest.mark.app('gesture')", "machine", "marked with `firmware` and"),
        ("@pytest.mark.firmware()", "machine", "@pytest.mark.firmware(): what it names is missing"),
        ("@pytest.mark.firmware(path='x.elf')", "machine", "firmware(path='x.elf'): what it names is missing"),
        ("@pytest.mark.firmware(7)", "machine", "firmware(7): a text or a path, not int"),
        ("@pytest.mark.firmware('bench.elf', 'b.elf')", "machine", "it takes one"),
        ("@pytest.mark.model('nothing.tflite')", "machine", "nothing.tflite"),
        ("@pytest.mark.board()", "board", "@pytest.mark.board(): what it names is missing"),
    ],
)
def test_a_wrong_marker_is_one_clear_error(project: pytest.Pytester, marks: str, fixture: str, said: str) -> None:
    project.makepyfile(f"import pytest\n{marks}\ndef test_it({fixture}):\n    pass\n")
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert said in text
    assert "Traceback" not in text
    assert "pytest_fixtures.py" not in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--board", "arduino_nano_33_bel"], "did you mean 'arduino_nano_33_ble'"),
        (["--engine", "qmeu"], "did you mean 'qemu'?"),
        (["--firmware", "nothing.elf"], "nothing.elf: cannot be read"),
        (["--boardless-kernels", "cmsis"], "did you mean 'cmsis-nn'?"),
    ],
)
def test_a_wrong_option_is_one_error_for_the_whole_run(project: pytest.Pytester, options: list[str], said: str) -> None:
    project.makepyfile(PORT + "@pytest.mark.parametrize('n', range(9))\ndef test_it(machine, n):\n    pass\n")
    result = project.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_settings_that_cannot_be_read_are_one_error(project: pytest.Pytester) -> None:
    (project.path / "boardless.toml").write_text('bord = "x"\n')
    project.makepyfile(PORT + "def test_it(machine):\n    pass\n")
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["boardless: *unknown setting 'bord'", "*did you mean 'board'*"])
    assert "Traceback" not in result.stdout.str()


def test_header(project: pytest.Pytester) -> None:
    project.makepyfile(PORT + "def test_it(machine):\n    pass\n")
    line = f"boardless: qemu {engine().version()}; TFLM pinned tree, reference kernels"
    result = project.runpytest()
    assert result.stdout.str().count(line) == 1
    assert line not in project.runpytest("-q").stdout.str()
    (project.path / "boardless.toml").write_text('kernels = "cmsis-nn"\n')
    result = project.runpytest("-n", "1")
    assert result.stdout.str().count(line.replace("reference", "cmsis-nn")) == 1


def test_a_project_that_does_not_use_it_pays_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("BOARDLESS_")]:
        monkeypatch.delenv(name)  # where one is set, somebody uses boardless
    pytester.makepyfile(
        """
import sys

def test_it():
    # (the package and the plugin; a fixture of the project's own may have any of our names)
    ours = sorted(m for m in sys.modules if m.split(".")[0] == "sim")
    own = ["failures", "fixtures", "header", "plugin", "recording", "report", "settings"]
    assert ours == ["sim", *(f"sim.pytest_{name}" for name in own)]
    assert not {"numpy", "elftools"} & set(sys.modules)
"""
    )
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef machine():\n    return 7\n")
    pytester.makepyfile(test_own="def test_own(machine):\n    assert machine == 7\n")
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("boardless:*")


def test_no_qemu(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDLESS_QEMU", "/nowhere/qemu-system-arm")
    project.makepyfile(PORT + "def test_it(machine):\n    pass\n")
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["boardless: /nowhere/qemu-system-arm: not found*", "SetupError: *not found*", "*apt install qemu-system-arm*"]
    )


def test_junit_properties(project: pytest.Pytester) -> None:
    project.makepyfile(PORT + "def test_it(machine, firmware):\n    print('HASH', firmware.sha256)\n")
    result = project.runpytest("-s", "--junitxml", "j.xml")
    said = next(x for x in result.outlines if "HASH" in x).split("HASH ")[1][:64]
    found = {p.get("name"): p.get("value") for p in ET.parse(project.path / "j.xml").iter("property")}
    assert int(found["boardless_flash"]) > 1000
    assert found["boardless_flash_is"] == "B, counted: ELF: bytes that are loaded"
    assert found["boardless_board"] == "arduino_nano_33_ble"
    assert found["boardless_engine"] == f"qemu {engine().version()} (mps2-an386)"
    assert found["boardless_firmware_sha256"] == said


@pytest.mark.slow
def test_no_resource_warnings(project: pytest.Pytester) -> None:
    project.makepyfile(
        PORT
        + """
import gc

def test_passes(machine):
    machine.run("1 s")

def test_fails(machine):
    machine.wait_for_decision("none", within="1 s")

def test_faults(machine):
    machine.write("command", 1)
    machine.run("1 s")

def test_nothing_is_left():
    gc.collect()
"""
    )
    result = project.runpytest_subprocess("-W", "error", "-W", "error::pytest.PytestUnraisableExceptionWarning")
    result.assert_outcomes(passed=2, failed=2)
    assert "ResourceWarning" not in result.stdout.str() + result.stderr.str()


@pytest.mark.slow
def test_app_and_model_markers(project: pytest.Pytester) -> None:
    (project.path / "own.tflite").write_bytes((data_root() / "models/hello/hello.tflite").read_bytes())
    project.makepyfile(
        """
import pytest

@pytest.mark.app("hello")
def test_app(firmware):
    assert firmware.app == "hello" and firmware.arena_reserved > 0

@pytest.mark.model("own.tflite")
def test_model(firmware):
    assert firmware.app == "invoke" and firmware.model.path.name == "own.tflite"
"""
    )
    project.runpytest().assert_outcomes(passed=2)
    tree = str(Path("/nowhere/tflm"))
    result = project.runpytest("--boardless-tflm", tree)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["boardless: qemu *; TFLM /nowhere/tflm, reference kernels", "*Error: /nowhere/tflm*"])
