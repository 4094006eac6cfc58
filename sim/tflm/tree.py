"""TflmTree: a folder with TensorFlow Lite Micro, recognised by what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sim.errors import SetupError, UsageError, near
from sim.settings import KERNELS, Settings
from sim.tflm import crate, includes, operators, sources
from sim.tflm.digest import content_digest

_MICRO = "tensorflow/lite/micro"
_NEEDED = ("flatbuffers", "gemmlowp", "ruy")


@dataclass(frozen=True)
class TflmTree:
    """One TFLM tree. `path` is the folder that contains `tensorflow/lite/micro`.

    `generation` is "2020" (the API of July 2020) or "current"; `digest` is a hash of the content that a build
    can read, the same wherever the tree lies. `libraries` maps third-party names to their include folders.
    """

    path: Path
    generation: str
    version_text: str
    digest: str
    has_cmsis_nn: bool
    libraries: Mapping[str, Path] = field(repr=False)
    is_default: bool = False

    @staticmethod
    def default() -> TflmTree:
        """The tree that boardless is pinned to; SetupError when cargo cannot get it."""
        path, version, digest = crate.default_tree()
        libraries = _libraries(path)
        if digest is None:
            digest = content_digest(path, libraries)
            crate.remember_digest(path, version, digest)
        return TflmTree(path, _generation(path), version, digest, False, libraries, is_default=True)

    @staticmethod
    def at(path: Path | str) -> TflmTree:
        """The tree in a folder: made by create_tflm_tree.py, a git checkout with its downloads, or by hand.

        Raises UsageError when there is no TFLM, SetupError when a library it needs is not found.
        """
        top = _top(Path(path).expanduser().absolute())
        generation = _generation(top)
        libraries = _libraries(top)
        cmsis = generation == "current" and (top / _MICRO / "kernels/cmsis_nn").is_dir()
        has_cmsis_nn = cmsis and "cmsis_nn" in libraries
        digest = content_digest(top, libraries)
        text = f"{top} ({'TFLM of 2020' if generation == '2020' else 'current TFLM'}, digest {digest[:12]})"
        return TflmTree(top, generation, text, digest, has_cmsis_nn, libraries)

    @cached_property
    def registrations(self) -> Mapping[str, str]:
        """Operator kind -> C++ statement that registers it on `resolver`."""
        return operators.registrations(self.path, self.generation, signal=bool(self.signal_sources))

    @cached_property
    def signal_sources(self) -> tuple[Path, ...]:
        """What the audio library is compiled from; none where the tree or kissfft is not there."""
        return tuple(sources.signal_sources(self.path)) if "kissfft" in self.libraries else ()

    def builtin_ops(self) -> tuple[str, ...]:
        """Names of the operators (custom ones included) that this tree can register, sorted."""
        return tuple(self.registrations)

    @cached_property
    def kernel_sets(self) -> tuple[str, ...]:
        """The kernels this tree can be built with, of `sim.settings.KERNELS`."""
        kernels = self.path / _MICRO / "kernels"
        own = {p.stem for p in kernels.iterdir()}
        optimised = {p.stem for p in (kernels / "cmsis_nn").glob("*.c*")}
        # create_tflm_tree.py with OPTIMIZED_KERNEL_DIR leaves out what the optimised kernels replace.
        sets = ("reference",) if optimised <= own else ()
        return sets + (("cmsis-nn",) if self.has_cmsis_nn else ())

    def require(self, kernels: str) -> None:
        """Raise UsageError unless this tree can be built with `kernels`."""
        if kernels not in KERNELS:
            raise UsageError(f"unknown kernels {kernels!r}", hint=near(kernels, KERNELS))
        if kernels in self.kernel_sets:
            return
        if kernels == "reference":
            raise UsageError(
                f"TFLM tree {self.path} was made for CMSIS-NN and has no reference version of those kernels",
                hint='set kernels = "cmsis-nn"',
            )
        if self.generation == "2020":
            raise UsageError(
                f"kernels 'cmsis-nn' need a current TFLM tree; this one is {self.version_text}",
                hint='point to yours: tflm = "path" in [tool.boardless], BOARDLESS_TFLM or --tflm',
            )
        if not (self.path / _MICRO / "kernels/cmsis_nn").is_dir():
            raise UsageError(
                f"TFLM tree {self.path} has no CMSIS-NN kernels ({_MICRO}/kernels/cmsis_nn is missing)",
                hint='make it with OPTIMIZED_KERNEL_DIR=cmsis_nn, or use kernels = "reference"',
            )
        raise SetupError(
            f"TFLM tree {self.path} has CMSIS-NN kernels but not the CMSIS-NN library: "
            f"{includes.LIBRARIES['cmsis_nn'].header} not found",
            hint=f"looked for {includes.searched(self.path, 'cmsis_nn')}",
        )

    def sources(self, kernels: str) -> list[Path]:
        """All files that the library is compiled from, in a fixed order."""
        self.require(kernels)
        return sources.library_sources(self.path, self.generation, kernels) + self.vector_sources(kernels)

    def vector_sources(self, kernels: str) -> list[Path]:
        """Those of them that have code of their own for the vector extension: CMSIS-NN."""
        return sources.cmsis_nn_sources(self.libraries["cmsis_nn"]) if kernels == "cmsis-nn" else []

    def include_folders(self, kernels: str) -> list[Path]:
        """Include folders for compiling against the tree."""
        out = [self.path, *(self.libraries[name] for name in _NEEDED)]
        if kernels == "cmsis-nn":
            out += [self.libraries["cmsis_nn"], self.libraries["cmsis_nn"] / "Include"]
            if "cmsis" in self.libraries:
                out += [self.libraries["cmsis"], self.libraries["cmsis"] / "CMSIS/Core/Include"]
        if "kissfft" in self.libraries:  # of the audio microfrontend, which apps may compile in
            out.append(self.libraries["kissfft"])
        return list(dict.fromkeys(out))


def tree_for(settings: Settings) -> TflmTree:
    """The tree that the settings name, else the default one."""
    return TflmTree.at(settings.tflm) if settings.tflm else TflmTree.default()


def _top(path: Path) -> Path:
    for folder in (path, path / "tflm", path / "tflite-micro", path / "src"):
        if (folder / _MICRO).is_dir():
            return folder
    for folder in path.parents:  # the user may have pointed inside
        if (folder / _MICRO).is_dir() and path.is_dir() and path.is_relative_to(folder / "tensorflow"):
            return folder
    raise UsageError(
        f"{path}: not a TFLM tree: no folder {_MICRO} in it" + ("" if path.is_dir() else " (there is no such folder)"),
        hint="give the folder made by TFLM's create_tflm_tree.py, or a checkout of tflite-micro",
    )


def _generation(tree: Path) -> str:
    micro = tree / _MICRO
    if (micro / "micro_log.h").is_file() and (micro / "micro_interpreter_graph.h").is_file():
        return "current"
    if (micro / "micro_error_reporter.h").is_file() and (micro / "kernels/all_ops_resolver.h").is_file():
        return "2020"
    raise UsageError(
        f"{tree}: a TFLM tree between the two generations that boardless can build",
        hint="its API is neither that of July 2020 (kernels/all_ops_resolver.h, micro_error_reporter.h) nor "
        "the current one (micro_log.h, micro_interpreter_graph.h); use a tree of 2024 or later",
    )


def _libraries(tree: Path) -> dict[str, Path]:
    found = {name: folder for name in includes.LIBRARIES if (folder := includes.find(tree, name))}
    for name in _NEEDED:
        if name not in found:
            raise SetupError(
                f"TFLM tree {tree}: {includes.LIBRARIES[name].header} not found ({name})",
                hint="`make -f tensorflow/lite/micro/tools/make/Makefile third_party_downloads` gets it; "
                f"looked for {includes.searched(tree, name)}",
            )
    return found
