"""The build folder of one app with one set of operators: made once, then only Ninja runs in it.

A changed model, memory map or card is a changed file there; Ninja builds what depends on it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sim.boards import Board
from sim.errors import BuildError
from sim.firmware import flags
from sim.firmware.app import App
from sim.firmware.fit import overflow_of
from sim.firmware.generate import MODEL_DATA, resolver_cc
from sim.firmware.library import cmake_list, compiler_lines, include_folders
from sim.firmware.toolchain import Toolchain, check_libraries
from sim.firmware.workshop import configure, locked, ninja, writable, write_if_changed
from sim.paths import cache_root, data_root
from sim.tflm import TflmTree

_SHARED = ("CMakeLists.txt", "cmake", "runtime", "port", "boards", "drivers", "recorder")


@lru_cache(maxsize=1)
def runtime_digest() -> str:
    """SHA-256 (hex) over what every image is built from besides app, model and TFLM."""
    root = data_root() / "firmware"
    whole = hashlib.sha256()
    for name in _SHARED:
        top = root / name
        for path in sorted(p for p in ([top] if top.is_file() else top.rglob("*")) if p.is_file()):
            whole.update(f"{path.relative_to(root)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


class KernelMissing(Exception):
    """An operator's kernel is not in the libraries that were linked."""


@dataclass(frozen=True)
class Project:
    """All that the objects of an image depend on, the model's data and the memory map aside."""

    app: App
    board: Board
    console: str
    console_base: int
    tree: TflmTree
    kernels: str
    op_kinds: tuple[str, ...]
    libraries: tuple[Path, ...]
    tools: Toolchain
    recorder: bool = False
    io: str = "port"  # or "bus": with drivers of the board's own peripherals

    @property
    def key(self) -> str:
        """Names the build folder."""
        parts = [
            self.app.name,
            self.app.digest,
            runtime_digest(),
            self.tree.digest,
            str(self.tree.path),  # its headers are read from there
            self.kernels,
            *(f"{p.parent.name}/{p.name}" for p in self.libraries),
            *flags.core_flags(self.board),
            f"{self.console} {self.console_base:#x}",
            f"{self.io} {self.board.name if self.io == 'bus' else ''}",
            *self.op_kinds,
            self.tools.text,
            *(["recorder"] if self.recorder else []),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]

    def link(self, *, model: bytes, memory: str, card: str, to: Path) -> None:
        """Build the ELF and put it at `to`. Raises BuildError with the compiler's lines, Overflow, KernelMissing."""
        key = self.key
        folder = cache_root() / "build" / key
        with locked(f"build-{key}"):
            with writable(folder):
                if not (folder / "ready").is_file():
                    self._make(folder)
                generated = folder / "generated"
                write_if_changed(generated / "model.tflite", model)
                write_if_changed(generated / "memory.ld", memory)
                write_if_changed(generated / "model_card.h", card)
            code, text = ninja(self.tools, folder / "out")
            if code != 0:
                raise self._failed(text, folder)
            with writable(to.parent):
                to.parent.mkdir(parents=True, exist_ok=True)
                # The linker's map first: who sees the image can read what is in it.
                for made, target in (("firmware.map", to.with_suffix(".map")), ("firmware.elf", to)):
                    private = target.with_name(f".{target.name}.{key}")
                    try:
                        shutil.copyfile(folder / "out" / made, private)
                        private.replace(target)
                    finally:
                        private.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        if folder.exists():
            shutil.rmtree(folder)
        source = folder / "firmware"
        for name in _SHARED:
            top = data_root() / "firmware" / name
            if top.is_dir():
                shutil.copytree(top, source / name, ignore=shutil.ignore_patterns("__pycache__", "tflm"))
            else:
                source.mkdir(parents=True, exist_ok=True)
                shutil.copy(top, source)
        app = folder / "app"
        app.mkdir()
        for path in self.app.files:
            shutil.copy(path, app)
        generated = folder / "generated"
        write_if_changed(generated / "resolver.cc", resolver_cc(self.tree, self.op_kinds))
        write_if_changed(generated / "model_data.S", MODEL_DATA)
        includes = include_folders(self.tree, self.kernels, self.tools)
        maps = flags.prefix_maps([*flags.tree_maps(self.tree, includes), (folder, "."), (source, "firmware")])
        core = flags.core_flags(self.board)
        defines = [f"-DBOARDLESS_CONSOLE_BASE={self.console_base:#x}u"]
        if self.io == "bus":
            defines.append("-DBOARDLESS_BUS")
        if "VAR_HANDLE" in self.op_kinds:
            defines.append("-DBOARDLESS_VARIABLES")
        project = folder / "project.cmake"
        project.write_text(
            cmake_list("BL_FOLDER", folder)
            + cmake_list("BL_CONSOLE", self.console)
            + cmake_list("BL_BOARD", self.board.name)
            + cmake_list("BL_BUS_CHIP", self.board.bus.chip if self.io == "bus" and self.board.bus else "")
            + cmake_list("BL_RECORDER", re.sub(r"\W", "_", self.app.name) if self.recorder else "")
            + cmake_list("BL_APP_SOURCES", [app / p.name for p in self.app.sources])
            + cmake_list("BL_INCLUDES", includes)
            + cmake_list("BL_CORE", list(core))
            + cmake_list(
                "BL_FLAGS",
                [
                    *flags.scalar_flags(self.board),
                    *flags.COMMON,
                    *flags.tree_defines(self.tree, self.kernels),
                    *defines,
                    *maps,
                ],
            )
            + cmake_list("BL_CXX_FLAGS", " ".join([flags.GLUE_STANDARD, *flags.CXX]))
            + cmake_list("BL_TFLM_LIBRARIES", list(self.libraries)),
            encoding="utf-8",
        )
        # CMake wants to see them when it looks at the project.
        for name in ("model.tflite", "memory.ld", "model_card.h"):
            (generated / name).touch()
        configure(self.tools, source, folder / "out", project, source / "cmake" / "toolchain.cmake")
        (folder / "ready").touch()

    def _failed(self, text: str, folder: Path) -> Exception:
        over = overflow_of(text)
        if over:
            return over
        if "undefined reference to `tflite::" in text and len(self.libraries) == 1:
            return KernelMissing(text)
        lines = compiler_lines(text.replace(f"{folder / 'app'}/", f"{self.app.folder}/"))
        check_libraries(self.tools)
        first = next((i for i, line in enumerate(lines) if "error:" in line or "undefined ref" in line), 0)
        # The compiler's own lines first; what led there (In file included from) stays with them.
        while first > 0 and ("In f" in lines[first - 1] or "from " in lines[first - 1]):
            first -= 1
        shown = lines[first : first + 30]
        return BuildError(
            "\n".join(shown) or text[-2000:],
            hint=f"app {self.app.name} does not compile for {self.board.name}",
        )
