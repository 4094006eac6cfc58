"""Every page of the documentation is run from top to bottom, in an empty folder with a model and inputs in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pages import PAGES, Block, blocks

from sim.measure.host import installed
from sim.paths import data_root

# What a page can take for granted in its folder: model.tflite, x.npy with inputs for it, and a test.
GIVEN_TEST = "def test_given(board):\n    assert board.flash.size > 0\n"
MODEL = data_root() / "models" / "gesture" / "gesture.tflite"
# Run elsewhere (make, tox: by CI), or not in a test (they change the system).
NOT_HERE = {"make", "tox", "pip", "git", "cargo", "apt-get", "sudo", "cmake", "ninja"}


class Session:
    """One page at work in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace: dict[str, object] = {"__name__": "__page__"}
        self.environment = {**os.environ, "PYTHONWARNINGS": "default"}

    def run(self, block: Block) -> None:
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.not_run:
            return
        if block.language == "python" and "def test_" in block.text:
            path = self.folder / f"test_line_{block.line}.py"
            path.write_text(block.text, encoding="utf-8")
            self.call([sys.executable, "-m", "pytest", "-q", path.name], block)
        elif block.language == "python" and not block.file:
            exec(compile(block.text, block.where, "exec"), self.namespace)
        elif block.language == "sh":
            for words in block.commands:
                self.command(words, block)

    def command(self, words: list[str], block: Block) -> None:
        while "=" in words[0]:
            name, _, value = words[0].partition("=")
            self.environment[name] = value
            words = words[1:]
        program = Path(words[0]).name
        if program == "cd":
            self.folder = (self.folder / words[1]).resolve()
            os.chdir(self.folder)
        elif program == "boardless":
            if words[1] == "convert" and find_spec("tensorflow") is None:
                pytest.skip("TensorFlow is not installed: boardless convert is not run")
            if words[1] == "diff" and not installed():
                pytest.skip("no host interpreter is installed: boardless diff is not run")
            self.call([sys.executable, "-m", "sim", *words[1:]], block)
        elif program == "pytest" and not any(w.startswith("tests/unit") for w in words):
            self.call([sys.executable, "-m", "pytest", *words[1:]], block)
        elif program.startswith("arm-none-eabi-"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
            self.call(words, block)
        elif program in {"python", "python3"}:
            self.call([sys.executable, *words[1:]], block)

    def call(self, command: list[str], block: Block) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        shown = " ".join(command[1:])
        assert done.returncode == 0, (
            f"{block.where}: {shown}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )


# Each builds firmware and runs for some seconds of CPU time; `make docs` runs them by themselves.
@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=() if p.name == "README.md" else pytest.mark.slow) for p in PAGES],
    ids=lambda p: p.name,
)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(MODEL.read_bytes())
    model_input = np.random.default_rng(1).integers(-128, 128, (4, *input_shape()), np.int8)
    np.save(tmp_path / "x.npy", model_input)
    (tmp_path / "test_given.py").write_text(GIVEN_TEST)
    session = Session(tmp_path)
    for block in blocks(page):
        session.run(block)


def input_shape() -> tuple[int, ...]:
    from sim.model import Model

    return Model.load(MODEL).inputs[0].shape
