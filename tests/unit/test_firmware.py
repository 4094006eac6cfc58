"""What a build is made of: generated files, errors of compiler and linker, the search for the arena."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.boards import Board, Memory
from sim.errors import BuildError, UsageError
from sim.firmware import flags
from sim.firmware.app import App, shipped_apps
from sim.firmware.arena import STEP, Trial, smallest_arena
from sim.firmware.fit import does_not_fit, overflow_of
from sim.firmware.generate import card_of, memory_ld, model_card_h
from sim.firmware.library import cmake_list, compiler_lines
from sim.firmware.parts_h import parts_h
from sim.firmware.schema import without_object_api
from sim.tflm.sources import is_rare

NANO = Board.load("arduino_nano_33_ble")


# ---- the arena ----


def search(fails_below: int, *, used: int, wrong_below: int = 0, whole: int = 1 << 20) -> tuple[int, int, list[int]]:
    """Drive the search against a model that allocates from `fails_below` on and infers right from `wrong_below` on."""
    ask = smallest_arena(whole)
    size, infer = next(ask)
    asked = []
    while True:
        asked.append(size)
        assert size % STEP == 0
        assert 0 < size <= whole
        outputs = (7 if size >= wrong_below else 8) if infer else 0
        try:
            size, infer = ask.send(Trial(size >= fails_below, used if size >= fails_below else 0, outputs))
        except StopIteration as end:
            return (*end.value, asked)


@pytest.mark.parametrize("used", [16, 1000, 4400, 33333])
@pytest.mark.parametrize("more", [0, 1, 15, 16, 17, 256, 5000])
def test_smallest_arena_is_found_wherever_it_is(used: int, more: int) -> None:
    found, said, asked = search(used + more, used=used)
    assert found == -(-(used + more) // STEP) * STEP
    assert said == used
    assert len(asked) < 30


def test_what_is_used_can_be_more_than_is_needed() -> None:
    found, _, _ = search(3000, used=4400)
    assert found == 3008


def test_an_arena_that_infers_something_else_is_too_small() -> None:
    found, _, _ = search(4000, used=4000, wrong_below=4050)
    assert found == 4064


def test_a_model_that_never_runs() -> None:
    with pytest.raises(BuildError, match="not even with an arena of 4096 bytes"):
        search(9999, used=0, whole=4096)


# ---- generated files ----


def test_card_as_constants() -> None:
    text = model_card_h(
        {
            "labels": ['a"b', "grün"],
            "window": 28,
            "rate_hz": 14.9,
            "on": True,
            "part": {"range-g": 4},
            "axes": ["x", "y"],
            "default": 1,
        }
    )
    assert r'labels[] = {"a\042b", "gr\303\274n"};' in text
    assert "label_count = 2;" in text
    assert "constexpr int32_t window = 28;" in text
    assert "constexpr double rate_hz = 14.9;" in text
    assert "constexpr bool on = true;" in text
    assert "namespace part {" in text
    assert "range_g = 4;" in text
    assert 'constexpr const char* axes[] = {"x", "y"};' in text
    assert "constexpr int32_t default_ = 1;" in text
    assert "labels[] = {nullptr};" in model_card_h({})


def test_sizes_of_a_code_as_functions_of_the_range() -> None:
    text = parts_h({"current": "ina219", "imu": "lsm9ds1", "camera": "hm01b0", "microphone": "mp34dt05"})
    assert 'namespace current {\ninline constexpr const char* name = "ina219";' in text
    assert "double current(uint32_t range = 0) { return range == 400 ? 0.0001 : " in text
    g = 9.80665e-3
    assert (
        f"range == 4 ? {0.122 * g!r} : range == 8 ? {0.244 * g!r} : range == 16 ? {0.732 * g!r} : {0.732 * g!r};"
        in text
    )
    assert "double angular_rate(uint32_t range = 0) { return range == 245 ? 0.00875 : " in text
    assert "double sound_pressure(uint32_t /*range*/ = 0) { return 0.00086" in text
    assert "pixel" not in text


def test_labels_beside_the_model(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text('window = 3\nlabels = ["old"]\n', encoding="utf-8")
    (tmp_path / "labels.txt").write_text("yes\n\n no \n", encoding="utf-8")
    assert card_of(tmp_path / "m.tflite") == {"window": 3, "labels": ["yes", "no"]}
    (tmp_path / "model.toml").write_text("window = = 3", encoding="utf-8")
    with pytest.raises(UsageError, match=r"model\.toml: cannot be read"):
        card_of(tmp_path / "m.tflite")


def test_vectors_lie_apart_only_where_the_core_wants_it() -> None:
    sizes = {"ram": (0x6000_0000, 64), "stack": 16, "arena": 16, "heap": 0}
    assert 'REGION_ALIAS("VECTORS", FLASH)' in memory_ld(flash=(0, 64), vectors=0, **sizes)
    apart = memory_ld(flash=(0x100_0000, 64), vectors=0, **sizes)
    assert "VECTORS (rx) : ORIGIN = 0x0" in apart
    assert "REGION_ALIAS" not in apart


def test_cmake_lists_take_any_path() -> None:
    assert cmake_list("A", ['/a b/$x;"y"', "z"]) == 'set(A "/a b/\\$x\\;\\"y\\"" "z")\n'


def test_schema_loses_only_bodies_of_the_object_api() -> None:
    header = "\n".join(
        [
            "struct Model { ModelT *UnPack() const; };",
            "inline ModelT *Model::UnPack() const {",
            "  return nullptr;",
            "}",
            "inline Offset<Model> CreateModel(Builder &b, int version = 0) {",
            "  return b.Finish();",
            "}",
            "inline Offset<Model> CreateModel(Builder &b, const ModelT *_o, const rehasher *r);",
            "inline Offset<Model> CreateModel(Builder &b, const ModelT *_o, const rehasher *r) {",
            "  return Model::Pack(b, _o, r);",
            "}",
            "inline const char *Name() { return 0; }",
        ]
    )
    slim = without_object_api(header)
    assert slim.count("\n") == header.count("\n")
    kept = [line for line in slim.split("\n") if line]
    assert kept == [*header.split("\n")[:1], *header.split("\n")[4:8], header.split("\n")[11]]


# ---- flags ----


@pytest.mark.parametrize(
    ("core", "fpu", "mve", "all_flags", "scalar"),
    [
        ("cortex-m3", "none", False, "-mthumb -mcpu=cortex-m3 -mfloat-abi=soft", ""),
        ("cortex-m4", "fpv4-sp-d16", False, "-mthumb -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard", ""),
        ("cortex-m55", "auto", True, "-mthumb -mcpu=cortex-m55 -mfpu=auto -mfloat-abi=hard", "+nomve"),
        ("cortex-m55", "auto", False, "-mthumb -mcpu=cortex-m55+nomve -mfpu=auto -mfloat-abi=hard", "+nomve"),
    ],
)
def test_core_flags(core: str, fpu: str, mve: bool, all_flags: str, scalar: str) -> None:
    board = replace(NANO, core=core, fpu=fpu, mve=mve)
    assert " ".join(flags.core_flags(board)) == all_flags
    assert flags.scalar_flags(board)[1] == f"-mcpu={core}{scalar}"


# ---- what tools say ----


def test_ninja_is_taken_off_the_compilers_lines() -> None:
    text = "\n".join(
        [
            "ninja: Entering directory `x'",
            "[1/2] Building CXX object a.obj",
            "FAILED: a.obj ",
            "/usr/bin/arm-none-eabi-g++ -c a.cc",
            "a.cc: In function 'int main()':",
            "a.cc:3:1: error: 'x' was not declared",
            "ninja: build stopped: subcommand failed.",
        ]
    )
    assert compiler_lines(text) == ["a.cc: In function 'int main()':", "a.cc:3:1: error: 'x' was not declared"]


def test_overflow_is_told_with_boards_that_have_room() -> None:
    over = overflow_of("ld: region `RAM' overflowed by 262144 bytes\nld: region `FLASH' overflowed by 10 bytes\n")
    assert over is not None
    assert (over.flash, over.ram) == (10, 262144)
    assert overflow_of("undefined reference") is None
    error = does_not_fit(NANO, "app x", ram=NANO.ram.size + over.ram, parts="arena 500000, stack 8192")
    assert "262144 too many" in error.message
    assert "arena 500000" in error.message
    assert "flash" not in error.message
    assert error.hint.startswith("boards with room: ")
    assert "mps3_an547" in error.hint
    assert "nucleo_l152re" not in error.hint
    nowhere = does_not_fit(NANO, "app x", flash=1 << 30)
    assert nowhere.hint == "no board that ships has room for it"


def test_memory_ranges_have_an_end() -> None:
    assert Memory(16, 4).end == 20


# ---- apps ----


def test_shipped_apps_are_short_and_whole() -> None:
    assert {"gesture", "hello", "invoke"} <= set(shipped_apps())
    for name in ("gesture", "hello", "invoke"):
        app = App.load(name)
        assert len(app.sources) == 1
        assert len(app.sources[0].read_text("utf-8").splitlines()) < 60
        file = app.model_file()
        assert (file is None) == (name == "invoke")
        assert file is None or file.is_file()


def own_app(folder: Path, toml: str, source: str = "int main() {}\n") -> Path:
    folder.mkdir()
    (folder / "app.toml").write_text(toml, encoding="utf-8")
    if source:
        (folder / "own.cc").write_text(source, encoding="utf-8")
    return folder


def test_an_own_app_by_path(tmp_path: Path) -> None:
    app = App.load(own_app(tmp_path / "own", 'model = "m.tflite"\nsensors = ["imu"]\nstack = 4096\n'))
    assert (app.name, app.stack, app.heap, app.sensors) == ("own", 4096, 0, ("imu",))
    with pytest.raises(UsageError, match=r"'m\.tflite': not found"):
        app.model_file()
    before = app.digest
    (tmp_path / "own" / "part.h").write_text("// new\n", encoding="utf-8")
    assert app.digest != before


@pytest.mark.parametrize(
    ("toml", "source", "said"),
    [
        ("stack = 10\n", "x", "stack = 10: must be 1024 to"),
        ('stack = "big"\n', "x", "stack must be a int, not str"),
        ("stak = 4096\n", "x", "unknown key 'stak'"),
        ("model = [\n", "x", "not a TOML file"),
        ("", "", "no source file"),
    ],
)
def test_a_slip_in_app_toml(tmp_path: Path, toml: str, source: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        App.load(own_app(tmp_path / "own", toml, source))


def test_unknown_app(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown app 'gestur'") as error:
        App.load("gestur")
    assert "'gesture'" in error.value.hint
    with pytest.raises(UsageError, match=r"no app\.toml in it"):
        App.load(tmp_path)


def test_only_kernels_are_rare_wherever_the_tree_lies() -> None:
    micro = Path("/kernels/micro/kernels/tree/tensorflow/lite/micro")
    assert is_rare(micro / "kernels/elu.cc", "current")
    assert is_rare(micro / "kernels/cmsis_nn/svdf.cc", "current")
    assert not is_rare(micro / "kernels/elu.cc", "2020")
    assert not is_rare(micro / "kernels/cmsis_nn/conv.cc", "current")
    assert not is_rare(micro / "kernels/lstm_eval_common.cc", "current")
    assert not is_rare(micro / "micro_interpreter.cc", "current")
    assert not is_rare(micro.parent / "kernels/internal/common.cc", "current")
