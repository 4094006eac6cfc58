"""Boards: what the shipped ones say, how one of your own is found, and how a wrong file is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.boards import Board, all_boards, board_folders
from sim.cli import main
from sim.errors import UsageError
from sim.paths import data_root
from sim.settings import Settings
from sim.source import SOURCE_KINDS

GOOD = """
[board]
title = "Test"
core = "cortex-m4"
fpu = "fpv4-sp-d16"
[clock]
hz = 64_000_000
[flash]
origin = 0x0800_0000
size = 0x8_0000
[ram]
origin = 0x2000_0000
size = 0x1_0000
[parts]
imu = "lsm9ds1"
"""


def write(folder: Path, text: str = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "core", "fpu", "mve", "hz", "flash", "ram"),
    [
        ("arduino_nano_33_ble", "cortex-m4", "fpv4-sp-d16", False, 64_000_000, 1024, 256),
        ("mps3_an547", "cortex-m55", "auto", True, 32_000_000, 2048, 512),
        ("nucleo_l152re", "cortex-m3", "none", False, 32_000_000, 512, 80),
        ("stm32f4_discovery", "cortex-m4", "fpv4-sp-d16", False, 168_000_000, 1024, 128),
    ],
)
def test_shipped_boards(name: str, core: str, fpu: str, mve: bool, hz: int, flash: int, ram: int) -> None:
    board = Board.load(name)
    assert (board.core, board.fpu, board.mve, board.clock_hz) == (core, fpu, mve, hz)
    assert (board.flash.size, board.ram.size) == (flash * 1024, ram * 1024)
    assert "imu" in board.parts


def test_shipped_figures_all_have_a_source() -> None:
    boards = all_boards()
    assert [b.name for b in boards] == sorted(b.name for b in boards)
    assert len(boards) >= 4
    for board in boards:
        assert board.unverified == (), board.name
        keys = {"board.core", "board.fpu", "clock.hz", "flash.origin", "flash.size", "ram.origin", "ram.size"}
        assert set(board.sources) == keys | {f"parts.{slot}" for slot in board.parts}
        for source in board.sources.values():
            assert source.kind in SOURCE_KINDS
            if source.kind == "driver":  # repository, commit, file
                assert re.match(r"[\w-]+/[\w.-]+@[0-9a-f]{40}: \S+", source.text), source.text


def test_a_board_is_found_by_name_path_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "mine" / "my_board")
    by_path = Board.load(str(folder))
    assert by_path.name == "my_board"
    assert by_path.folder == folder.resolve()
    assert Board.load(folder) == Board.load(folder / "board.toml") == by_path
    assert Board.load("my_board", [tmp_path / "mine"]) == by_path
    assert Board.load("my_board", [folder]) == by_path
    assert "my_board" in [b.name for b in all_boards([tmp_path / "mine"])]
    monkeypatch.chdir(tmp_path / "mine")
    assert Board.load("my_board") == by_path
    assert Board.load("./my_board") == by_path


def test_folders_come_from_the_setting() -> None:
    assert board_folders(Settings()) == ()
    assert board_folders(Settings(boards="a:b/c")) == (Path("a"), Path("b/c"))


def test_figures_without_a_source_are_unverified(tmp_path: Path) -> None:
    board = Board.load(write(tmp_path / "b"))
    assert "clock.hz" in board.unverified
    assert "parts.imu" in board.unverified
    sourced = GOOD + '[sources]\nflash = {kind = "driver", text = "x"}\n"flash.size" = {kind = "chosen", text = "y"}\n'
    board = Board.load(write(tmp_path / "b", sourced))
    assert (board.sources["flash.origin"].kind, board.sources["flash.size"].kind) == ("driver", "chosen")
    assert "flash.size" not in board.unverified
    assert "ram.size" in board.unverified


def test_mve_is_the_m55s(tmp_path: Path) -> None:
    m55 = GOOD.replace("cortex-m4", "cortex-m55").replace("fpv4-sp-d16", "auto")
    assert Board.load(write(tmp_path / "a", m55)).mve
    assert not Board.load(write(tmp_path / "b", m55.replace('"auto"', '"auto"\nmve = false'))).mve


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[clock]\nhz = 64_000_000\n", ""), ["clock: is missing"]),
        (("hz = 64_000_000", ""), ["clock.hz: is missing"]),
        (("hz = 64_000_000", "herz = 64_000_000"), ["clock.herz: unknown key", "'hz'"]),
        (("[flash]", "[flsh]"), ["flsh: unknown key", "'flash'"]),
        (("hz = 64_000_000", "hz = 64"), ["clock.hz: 64 cannot be", "1_000_000 to 1_200_000_000 Hz"]),
        (("hz = 64_000_000", "hz = 64e6"), ["clock.hz: must be a whole number, not a number with a point"]),
        (("hz = 64_000_000", "hz = true"), ["clock.hz: must be a whole number, not true or false"]),
        (("hz = 64_000_000", 'hz = "64 MHz"'), ["clock.hz: must be a whole number, not a text ('64 MHz')"]),
        (("size = 0x8_0000", "size = 512"), ["flash.size: 512 cannot be", "16_384 to"]),
        (("size = 0x8_0000", "size = 0x8_0001"), ["flash.size: 524_289 cannot be", "a multiple of 1024"]),
        (("origin = 0x2000_0000", "origin = 0xe000_0000"), ["ram.origin: 0xe0000000 cannot be", "0xa0000000"]),
        (("origin = 0x2000_0000", "origin = -1"), ["ram.origin: -0x1 cannot be"]),
        (("origin = 0x2000_0000", "origin = 0x9fff_ff00"), ["ram.size: ends at 0xa000ff00"]),
        (("origin = 0x2000_0000", "origin = 0x0801_0000"), ["flash: overlaps [ram]"]),
        (("cortex-m4", "cortex-m5"), ["board.core: 'cortex-m5' is none there is", "'cortex-m55'"]),
        (("cortex-m4", "cortex-m3"), ["board.fpu: 'fpv4-sp-d16' is none there is on cortex-m3", "'none'"]),
        (('fpu = "fpv4-sp-d16"', 'fpu = "none"\nmve = true'), ["board.mve: cortex-m4 has no MVE"]),
        (('fpu = "fpv4-sp-d16"', 'fpu = "none"\nmve = 1'), ["board.mve: must be true or false, not a whole number"]),
        (('title = "Test"', 'title = " "'), ["board.title: is empty"]),
        (('title = "Test"', "title = []"), ["board.title: must be a text, not a list"]),
        (("[parts]", "[[parts]]"), ["parts: must be a table, not a list"]),
        (('"lsm9ds1"', '"lsm9ds2"'), ["parts.imu: unknown sensor part 'lsm9ds2'", "'lsm9ds1'"]),
        (("imu =", '"my imu" ='), ["parts.my imu: cannot be a slot's name"]),
        (("[parts]", '[sources]\n"clock.herz" = {}\n[parts]'), ["sources.clock.herz: unknown key", "'clock.hz'"]),
        (("[parts]", '[sources]\n"clock.hz" = "x"\n[parts]'), ["sources.clock.hz: must be a table, not a text"]),
        (
            ("[parts]", '[sources]\n"clock.hz" = {kind = "datashet", text = "x"}\n[parts]'),
            ["sources.clock.hz.kind: 'datashet' is none there is", "'datasheet'"],
        ),
        (("[clock]", "[clock"), ["not a TOML file"]),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_remedy(
    tmp_path: Path, change: tuple[str, str], said: list[str]
) -> None:
    assert change[0] in GOOD
    folder = write(tmp_path / "b", GOOD.replace(*change, 1))
    with pytest.raises(UsageError) as caught:
        Board.load(folder)
    assert str(folder / "board.toml") in str(caught.value)
    for words in said:
        assert words in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "b")
    (folder / "board.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a TOML file"):
        Board.load(folder)


def test_unknown_names_get_near_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown board 'nucleo_l152'") as caught:
        Board.load("nucleo_l152")
    assert "did you mean 'nucleo_l152re'" in str(caught.value)
    with pytest.raises(UsageError, match=r"no board there: no board\.toml"):
        Board.load(tmp_path)
    with pytest.raises(UsageError, match="no such folder of boards"):
        Board.load("x", [tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="'Bad-Name' cannot be a board's name"):
        Board.load(write(tmp_path / "Bad-Name"))


def test_two_boards_of_one_name_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "nucleo_l152re")
    with pytest.raises(UsageError, match="two boards named 'nucleo_l152re'"):
        Board.load("nucleo_l152re", [tmp_path])
    # The same folder twice is one board.
    assert Board.load("nucleo_l152re", [data_root() / "platforms"]).name == "nucleo_l152re"


def test_command_prints_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["boards"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"nucleo_l152re +NUCLEO-L152RE +cortex-m3 +32 MHz +512 KB +80 KB +imu lsm6dso", out)
    assert "unverified" not in out
    assert main(["boards", str(write(tmp_path / "b"))]) == 0
    out = capsys.readouterr().out
    assert "unverified (so is every result that rests on it):\n  b: board.core" in out
    assert "nucleo" not in out


def test_command_prints_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "--sources", "mps3_an547"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"clock\.hz +32 MHz +driver +\S+@[0-9a-f]{40}: \S+", out)
    assert re.search(r"flash\.origin +0x01000000 +driver", out)


def test_command_refuses_an_unknown_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "arduino"]) == 2
    assert "unknown board 'arduino'" in capsys.readouterr().err


def test_command_writes_json_that_fits_its_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    out = tmp_path / "boards.json"
    assert main(["boards", "--json", str(out)]) == 0
    data = json.loads(out.read_text())
    schema = json.loads((Path(__file__).parents[2] / "sim/report/schemas/boards.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(data)
    assert [b["name"] for b in data["boards"]] == [b.name for b in all_boards()]
    assert data["boards"][0]["clock_hz"] == 64_000_000


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/boards.md: its board file, its Python and its settings work as they stand."""
    page = (Path(__file__).parents[2] / "docs/boards.md").read_text(encoding="utf-8")
    board, settings = re.findall(r"```toml\n(.*?)```", page, re.S)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    write(tmp_path / "boards" / "my_board", board)
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/boards.md", "exec"), {})
    found = Settings.load()
    assert Board.load(found.board, board_folders(found)).name == "my_board"
    for name in (b.name for b in all_boards()):
        assert f"`{name}`" in page
