"""Budgets, stored runs and reports as users of the plugin have them, with xdist and without."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bench import bench_elf

from sim.report import json_out

pytestmark = pytest.mark.slow  # seconds each: the quick tests have two minutes for all

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")
HEAD = "import pytest\npytestmark = pytest.mark.firmware('bench.elf')\n"
RUN = "    machine.imu.play(recording('running_07'))\n    machine.run('3 s')\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("BOARDLESS_BOARD", "BOARDLESS_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", HOME)
    bench_elf(pytester.path)
    pytester.makeini("[pytest]\naddopts = -W error --strict-markers -p no:cacheprovider\n")
    return pytester


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, json_out.schema("results"))
    return found


def test_a_budget_that_is_kept_and_one_that_is_missed(project: pytest.Pytester) -> None:
    project.makepyfile(
        HEAD
        + f"""
@pytest.mark.budget(instructions=5000, flash="64 KiB", latency="1 ms")
def test_kept(machine, recording):
{RUN}
@pytest.mark.budget(instructions=600, flash="1 KiB")
def test_missed(machine, recording):
{RUN}
@pytest.mark.budget(flash="1 KiB")
def test_image_only(firmware):
    pass
"""
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "BudgetMissed: over budget: instructions, flash",
            "instructions: 679 instructions, counted; budget 600 instructions (marker): 79 * over it (+13.2 %)",
            "flash: * B*, counted; budget 1,024 B (marker): * over it (+*",
            "*largest contributors:",
        ]
    )
    assert len(re.findall(r"^ +\d+\.\d %  .+ B  \S", text, re.MULTILINE)) == 2 * 3
    assert "pytest_report.py" not in text
    assert "Traceback" not in text


def test_budgets_of_the_project(project: pytest.Pytester) -> None:
    (project.path / "boardless.toml").write_text(
        '[budgets]\ninstructions = 600\nheap = "1 KiB"\n[budgets.app.bench]\ninstructions = 5000\n'
        "[budgets.board.nucleo_l152re]\ninstructions = 500\n"
    )
    bench_elf(project.path, name="other.elf")
    project.makepyfile(
        HEAD
        + f"""
def test_app(machine, recording):
{RUN}
@pytest.mark.firmware("other.elf")
def test_general(machine, recording):
{RUN}
@pytest.mark.firmware("other.elf")
@pytest.mark.budget(instructions=5000)
def test_marker_wins(machine, recording):
{RUN}"""
    )
    result = project.runpytest("--boardless-report", "out")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*boardless.toml [[]budgets[]]*: 79 instructions over it*"])
    budgets = {
        r["test"].split("::")[1]: {b["name"]: b for b in r["budgets"]} for r in results(project.path / "out")["records"]
    }
    assert budgets["test_app"]["heap"]["value"] is None  # not measured: said, but no failure
    assert budgets["test_app"]["heap"]["why"]
    assert budgets["test_marker_wins"]["instructions"]["origin"] == "marker"


@pytest.mark.parametrize(
    ("mark", "toml", "said"),
    [
        ("budget(cycels=3)", "", "unknown budget 'cycels'"),
        ("budget(flash='1 KB')", "", "KB in '1 KB' may be 1000 or 1024"),
        ("budget()", "", "name what is bounded"),
        ("budget(3)", "", "name what is bounded"),
        ("budget(heap='1 KiB')", "", "no figure for the budget heap"),
        ("board('arduino_nano_33_ble')", "[budgets]\nflsh = 3\n", "unknown budget 'flsh'"),
        ("board('arduino_nano_33_ble')", "[budgets.board.nuclo_l152re]\nflash = 3\n", "did you mean 'nucleo_l152re'"),
    ],
)
def test_a_wrong_budget_is_one_clear_error(project: pytest.Pytester, mark: str, toml: str, said: str) -> None:
    (project.path / "boardless.toml").write_text(toml)
    project.makepyfile(HEAD + f"@pytest.mark.{mark}\ndef test_it(machine):\n    pass\n")
    result = project.runpytest()
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)  # as a test is run, or before
    assert said in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_marker_without_a_figure_and_a_missed_budget_of_the_project_are_both_told(project: pytest.Pytester) -> None:
    (project.path / "boardless.toml").write_text('[budgets]\nflash = "1 KiB"\n')
    project.makepyfile(HEAD + '@pytest.mark.budget(heap="1 KiB")\ndef test_it(machine):\n    pass\n')
    result = project.runpytest("--boardless-report", "out")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*BudgetMissed: over budget: flash; no figure for the budget heap",
            "*flash: * B*, counted; budget 1,024 B (boardless.toml [[]budgets[]]): * over it (+*",
            "*heap: *",
        ]
    )
    assert "no figure for the budget heap" in results(project.path / "out")["records"][0]["failure"]


def test_a_budget_without_firmware(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n@pytest.mark.budget(cycles=3)\ndef test_it():\n    pass\n")
    project.runpytest().stdout.fnmatch_lines(["*test_it has budgets, but no firmware*"])


TESTS = (
    HEAD
    + f"""
@pytest.mark.parametrize("n", range(4))
def test_it(machine, recording, figures, n):
{RUN}    figures("accuracy", 0.9 + n / 100)
    figures("false_alarms", n)

@pytest.mark.board("nucleo_l152re")
def test_other(board):
    pass

def test_measured(machine, recording):
    machine.imu.play(recording("running_07"))
    use = machine.measure("invoke", runs=5)
    assert use.instructions.max == 679

def test_image(firmware):
    pass

def test_skipped(machine):
    pytest.skip("not today")

def test_nothing():
    pass
"""
)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_save_compare_and_report(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    project.makepyfile(test_all=TESTS)
    project.runpytest(*options, "--boardless-save", "main", "--boardless-report", "out", "--junitxml", "j.xml")
    stored = json.loads((project.path / ".boardless/runs/main.json").read_text())
    jsonschema.validate(stored, json_out.schema("results"))
    assert stored["name"] == "main"
    names = [r["test"].partition("::")[2] for r in stored["records"]]
    assert names == ["test_image", *(f"test_it[{n}]" for n in range(4)), "test_measured", "test_skipped"]
    figures = stored["records"][1]["figures"]
    assert figures["instructions"]["value"] == 679 < figures["cycles"]["value"] < 3 * 679
    assert figures["instructions"]["detail"]["runs"] > 15
    assert figures["instructions"]["how"] == "counted"
    assert figures["cycles"]["how"] == "modelled"
    assert figures["energy"]["how"] == "estimated"
    assert stored["records"][4]["figures"]["accuracy"]["value"] == pytest.approx(0.93)
    assert stored["records"][4]["figures"]["false_alarms"]["value"] == 3
    full = {r["test"].partition("::")[2]: r for r in results(project.path / "out")["records"]}
    assert len(full["test_it[0]"]["stimuli"][0]["times"]) == 400
    assert full["test_it[0]"]["stimuli"][0]["channels"] == ["ax", "ay", "az", "gx", "gy", "gz"]
    assert len(full["test_it[0]"]["decisions"]) > 15
    assert full["test_skipped"]["outcome"] == "skipped"
    page = (project.path / "out/report.html").read_text(encoding="utf-8")
    assert page.count('<details class="test"') == 7
    assert "test_it.py" not in (project.path / "out/report.md").read_text()
    found = {p.get("name"): p.get("value") for p in ET.parse(project.path / "j.xml").iter("property")}
    assert found["boardless_instructions"] == "679"
    assert not [name for name in found if "record" in str(name)]

    again = project.runpytest(
        *options, "--boardless-compare", "main", "--boardless-fail", "cycles:0,flash:0,accuracy:0"
    )
    assert again.ret == pytest.ExitCode.OK
    again.stdout.fnmatch_lines(["against main*: 0 figures changed, * the same, 0 not compared"])


def test_a_run_is_the_same_file_alone_and_under_xdist(project: pytest.Pytester) -> None:
    project.makepyfile(test_all=TESTS)
    project.runpytest("--boardless-save", "same.json")
    first = (project.path / "same.json").read_bytes()
    project.runpytest("-n", "2", "--boardless-save", "same.json")
    assert (project.path / "same.json").read_bytes() == first


def test_worse_than_allowed_fails_the_run_and_not_the_tests(project: pytest.Pytester) -> None:
    project.makepyfile(test_all=TESTS)
    project.runpytest("--boardless-save", "main")
    path = project.path / ".boardless/runs/main.json"
    stored = json.loads(path.read_text())
    for record in stored["records"]:
        if "cycles" in record["figures"]:
            now = record["figures"]["cycles"]["value"]
            before = record["figures"]["cycles"]["value"] = round(now / 1.029)
        record["figures"]["flash"]["value"] -= 100
    path.write_text(json.dumps(stored))
    for limits, code in (("cycles:3%,flash:1KiB", 0), ("cycles:2%", 1), ("flash:99", 1), ("flash:100", 0)):
        result = project.runpytest("--boardless-compare", "main", "--boardless-fail", limits, "--boardless-report", "o")
        result.assert_outcomes(passed=8, skipped=1)
        assert result.ret == code, limits
        assert ("WORSE THAN ALLOWED" in result.stdout.str()) == bool(code)
        assert (":x:" in (project.path / "o/report.md").read_text()) == bool(code)
    result.stdout.fnmatch_lines([f"*cycles: {before:,} cycles -> {now:,} cycles, +{now - before} cycles (+2.9* %)"])


def test_what_is_not_alike_is_not_compared(project: pytest.Pytester) -> None:
    project.makepyfile(test_all=TESTS)
    project.runpytest("--boardless-save", "main")
    path = project.path / ".boardless/runs/main.json"
    stored = json.loads(path.read_text())
    for record in stored["records"]:
        if "cycles" in record["figures"]:
            record["figures"]["cycles"]["basis"]["model"] = "cortex-m4 with flash of 2020"
        if record["test"].endswith("test_image"):
            record["test"] = "test_all.py::test_renamed"
    path.write_text(json.dumps(stored))
    result = project.runpytest("--boardless-compare", "main")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*not compared: cycle model: cortex-m4 with flash of 2020 then, cortex-m4: core and memory, *",
            "*new: test_all.py::test_image",
            "*stored, not run: test_all.py::test_renamed",
        ]
    )
    gated = project.runpytest("--boardless-compare", "main", "--boardless-fail", "cycles:50%")
    assert gated.ret == pytest.ExitCode.TESTS_FAILED
    gated.stdout.fnmatch_lines(["*cycles: it cannot be compared (cycle model: *"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--boardless-compare", "nothing"], "no stored run 'nothing'"),
        (["--boardless-compare", "old.json"], "a stored run of format 0; this boardless"),
        (["--boardless-compare", "test_all.py"], "no stored run 'test_all.py'"),
        (["--boardless-fail", "cycles:2%"], "compares with nothing"),
        (["--boardless-compare", "good.json", "--boardless-fail", ""], "--boardless-fail: nothing given"),
        (["--boardless-save", ""], "--boardless-save: nothing given"),
        (["--boardless-compare", "good.json", "--boardless-fail", "cycels:2%"], "did you mean 'cycles'?"),
        (["--boardless-compare", "good.json", "--boardless-fail", "flash:2ms"], "unknown unit 'ms'"),
        (["--boardless-save", "x y"], "cannot be the name of a run"),
    ],
)
def test_wrong_options_are_one_error_before_any_test(project: pytest.Pytester, options: list[str], said: str) -> None:
    project.makepyfile(test_all="def test_it():\n    pass\n")
    (project.path / "old.json").write_text('{"format": 0, "records": []}')
    (project.path / "good.json").write_text('{"format": 1, "records": []}')
    result = project.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_folder_that_cannot_be_written_is_told_at_the_end(project: pytest.Pytester) -> None:
    project.makepyfile(test_all="def test_it():\n    pass\n")
    (project.path / "file").write_text("")
    result = project.runpytest("--boardless-report", "file")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["error: *file/results.json: the run cannot be written*"])


def test_a_failing_test_has_a_record_and_its_own_failure(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_all=HEAD
        + """
def test_assert(machine):
    machine.run("1 s")
    assert machine.time < 0.5

def test_fault(machine):
    machine.write("command", 1)
    machine.run("1 s")

@pytest.mark.xfail
@pytest.mark.budget(flash=1)
def test_expected(machine):
    pass

def test_pytest_fail(machine):
    pytest.fail("on purpose")
"""
    )
    result = project.runpytest("--boardless-report", "out")
    result.assert_outcomes(failed=3, xfailed=1)
    records = {r["test"].partition("::")[2]: r for r in results(project.path / "out")["records"]}
    assert records["test_assert"]["failure"].startswith("AssertionError: assert 1")
    assert "BusFault" in records["test_fault"]["failure"]
    assert records["test_pytest_fail"]["failure"] == "Failed: on purpose"
    assert records["test_expected"]["outcome"] == "failed"
    assert records["test_assert"]["board_time"] == pytest.approx(1.0, abs=1e-3)


def test_figures_of_a_test_are_checked(project: pytest.Pytester) -> None:
    project.makepyfile(
        HEAD
        + """
@pytest.mark.parametrize(("arguments", "said"), [
    (("Accuracy", 1), "cannot be a figure's name"),
    (("wait", 1, "sec"), "unknown unit 'sec'"),
    (("flash", 1, "J"), "is in 'B', not in 'J'"),
    (("wait", 1, "s", "guessed"), "one of: counted, modelled"),
    (("accuracy", float("nan")), "nan is no number"),
    (("windows", float("inf")), "inf is no number"),
    (("windows", "3 of 4"), "'3 of 4' is no number"),
])
def test_it(figures, arguments, said):
    from sim.errors import UsageError
    with pytest.raises(UsageError, match=said):
        figures(*arguments)
"""
    )
    project.runpytest().assert_outcomes(passed=7)
