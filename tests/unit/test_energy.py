"""Energy: arithmetic that can be done by hand, and inputs that say where they are from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import Board, all_boards
from sim.energy.cells import CELLS, YEAR, find_cell
from sim.energy.estimate import duty
from sim.errors import UsageError
from sim.sensors.parts import part

NANO = Board.load("arduino_nano_33_ble")
GOOD = (NANO.folder / "board.toml").read_text(encoding="utf-8")


def board_with(folder: Path, old: str, new: str) -> Board:
    assert old in GOOD
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "board.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    return Board.load(folder / "mine")


def test_one_inference_a_second_by_hand() -> None:
    assert NANO.power is not None
    found = duty(NANO, 6_400_000, 1.0)  # 0.1 s at 64 MHz
    by_hand = 3.0 * (3.3e-3 * 0.1 + 0.00316e-3 * 0.9)
    assert found.joules_each == pytest.approx(by_hand, rel=1e-12)
    assert found.amperes == pytest.approx(by_hand / 3.0, rel=1e-12)
    with_sensor = duty(NANO, 6_400_000, 1.0, parts=[part("lsm6dso")])
    assert with_sensor.joules_each - by_hand == pytest.approx(3.0 * 0.55e-3, rel=1e-9)


def test_battery_life_by_hand() -> None:
    found = duty(NANO, 6_400_000, 1.0)
    cell = replace(find_cell("CR2032"), self_discharge=0.0)
    assert found.battery_life(cell) == pytest.approx(225 * 3.6 / found.amperes, rel=1e-12)
    assert found.battery_life(cell, usable=0.5) == pytest.approx(0.5 * found.battery_life(cell), rel=1e-12)
    lipo = find_cell("500 mAh, 3.7 V")
    assert found.battery_life(lipo) == pytest.approx(500 * 3.6 / found.amperes, rel=1e-12)  # linear: the same current
    buck = 500 * 3.6 * 3.7 * 0.9 / (found.amperes * 3.0)
    assert found.battery_life(lipo, efficiency=0.9) == pytest.approx(buck, rel=1e-12)


def test_a_cell_empties_by_itself() -> None:
    cell = find_cell("225 mAh, 3 V, 10 %/year")
    assert cell.life(0.0) == pytest.approx(10 * YEAR)
    assert find_cell("225 mAh, 3 V").life(0.0) == float("inf")
    assert cell.life(1e-3) < find_cell("225 mAh, 3 V").life(1e-3)


def test_every_input_is_shown_with_its_source() -> None:
    found = duty(NANO, 6_400_000, 1.0, parts=[part("lsm9ds1"), part("lsm6dso")], model="1 cycle per instruction")
    text = str(found)
    for said in ("3.3 mA", "3.16 µA", "64,000,000", "4.6 mA", "550 µA", "1 cycle per instruction", "unverified:",
                 "datasheet: ST LSM6DSO", "System ON with RTC"):  # fmt: skip
        assert said in text, said
    assert "lsm9ds1, on" in found.unverified
    assert "lsm6dso, on" not in found.unverified
    shares = [line for line in text.splitlines() if "%  " in line]
    assert sum(float(line.split("%")[0]) for line in shares) == pytest.approx(100, abs=0.3)


def test_a_part_without_a_current_is_told() -> None:
    bare = replace(part("lsm6dso"), current_ma=None)  # type: ignore[type-var]
    found = duty(NANO, 1000, 1.0, parts=[bare])
    assert "lsm6dso, on" in found.unverified
    assert "its part file has no current" in str(found)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: duty(NANO, 64_000_001, 1.0),
            "an inference takes 1 s on arduino_nano_33_ble, so there cannot be one every",
        ),
        (lambda: duty(Board.load("mps3_an547"), 1, 1.0), "mps3_an547: its board.toml has no [power]"),
        (lambda: find_cell("CR2023"), "did you mean 'CR2032'"),
        (lambda: find_cell("0 mAh, 3 V"), "cannot be"),
        (lambda: find_cell("100 mAh, 3 V, 100 %/year"), "cannot be"),
        (lambda: duty(NANO, 1, 1.0).battery_life(CELLS["CR2032"], usable=0.0), "usable = 0.0"),
        (lambda: duty(NANO, 1, 1.0).battery_life(CELLS["CR2032"], efficiency=1.5), "efficiency = 1.5"),
        (lambda: duty(NANO, 1, 1.0).battery_life(find_cell("100 mAh, 1.5 V")), "give the efficiency of the converter"),
        (lambda: CELLS["CR2032"].life(-1.0), "a mean current of -1.0 A"),
    ],
)
def test_what_cannot_be(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(UsageError) as caught:
        call()
    assert said in str(caught.value)


# ---- [power] of a board ----


def test_shipped_boards() -> None:
    have = {b.name: b.power for b in all_boards() if b.power is not None}
    assert {"arduino_nano_33_ble", "stm32f4_discovery", "nucleo_l152re"} <= set(have)
    for name, power in have.items():
        assert set(power.sources) == {"power.volts", "power.active_ma", "power.sleep_ma"}, name
        assert all(source.text != "no source given" for source in power.sources.values()), name
        assert power.sleep_ma < power.active_ma
    assert have["stm32f4_discovery"].unverified == ("power.sleep_ma",)
    assert NANO.unverified == ()  # counts and sizes do not rest on a current


def test_without_a_source_a_current_is_unverified(tmp_path: Path) -> None:
    board = board_with(tmp_path, '"power" = { kind = "unverified"', '"power.volts" = { kind = "chosen"')
    assert board.power is not None
    assert board.power.unverified == ("power.active_ma", "power.sleep_ma")


def test_no_power_is_fine(tmp_path: Path) -> None:
    table = GOOD[GOOD.index("[power]") : GOOD.index("[sources]")]
    assert board_with(tmp_path, table, "").power is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("active_ma = 3.3", "active_mA = 3.3", "power.active_mA: unknown key"),
        ("active_ma = 3.3", "", "power.active_ma: is missing"),
        ("active_ma = 3.3", "active_ma = 3300000.0", "power.active_ma: 3.3e+06 mA cannot be"),
        ("active_ma = 3.3", 'active_ma = "3.3 mA"', "power.active_ma: must be a number, not a text"),
        ("active_ma = 3.3", "active_ma = true", "power.active_ma: must be a number"),
        ("active_ma = 3.3", "active_ma = nan", "power.active_ma: nan mA cannot be"),
        ("sleep_ma = 0.00316", "sleep_ma = 3.4", "power.sleep_ma: 3.4 mA is more than active_ma"),
        ("volts = 3.0", "volts = 3000", "power.volts: 3000 V cannot be"),
        ('"power" = {', '"power.sleep" = {', "sources.power.sleep: unknown key"),
    ],
)
def test_strict(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        board_with(tmp_path, old, new)
    assert said in str(caught.value)
