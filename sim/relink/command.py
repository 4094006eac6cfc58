"""The product's own link command, run again with its memory at the addresses of the twin."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from sim.boards import Board
from sim.built_for import check_core
from sim.elf import load_elf
from sim.engines.protocol import Layout
from sim.errors import SetupError, UsageError
from sim.machine.placed import check_placed
from sim.relink.label import labelled
from sim.relink.moves import Moves
from sim.relink.script import moved_script

_LINKERS = re.compile(r"(.*-)?(gcc|g\+\+|c\+\+|cc|ld|clang|clang\+\+|ld\.lld|ld\.bfd)(-[0-9.]+)?(\.exe)?")
_SCRIPT = re.compile(r"(?:--script=|-dT|-T)(.+)")
_OUTPUT = re.compile(r"-o.+|--?Map=.+")
_SAID = 12  # lines of a failed linker


def relink_by_command(words: Sequence[str], board: Board, layout: Layout, out: Path) -> Path:
    """Run the link command with other addresses and another output. Raises UsageError, SetupError.

    `words`: program and arguments, as the product's build runs them in the present folder. No shell is asked.
    """
    words = [w for word in words for w in _from_file(word)]
    _check(words)
    moves = Moves.of(board, layout)
    with tempfile.TemporaryDirectory(prefix="boardless-relink-") as name:
        folder = Path(name)
        linked, script = folder / "linked.elf", folder / "moved.ld"
        command = _changed(words, linked, script, moves)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not linked.is_file():
            said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_SAID:])
            raise UsageError(f"the linker ends with {done.returncode}:\n{said}",
                             hint="the command has to run here as it is, in the folder of the build")  # fmt: skip
        check_core("what it links", load_elf(linked).built, board)
        sha = hashlib.sha256(linked.read_bytes()).hexdigest()[:12]
        if linked.with_suffix(".map").is_file():
            shutil.copyfile(linked.with_suffix(".map"), out.with_suffix(".map"))
        labelled(linked, out, f"relinked {sha} for {layout.machine}, from its objects by {Path(words[0]).name}")
    check_placed(load_elf(out), board, layout)
    return out


def _from_file(word: str) -> list[str]:
    """Words of an @file, as GCC reads them."""
    if not word.startswith("@"):
        return [word]
    import shlex

    try:
        return shlex.split(Path(word[1:]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{word}: cannot be read: {error}") from None


def _check(words: Sequence[str]) -> None:
    if not words or not _LINKERS.fullmatch(Path(words[0]).name):
        raise UsageError(
            f"{words[0] if words else 'nothing'!r} is no linker",
            hint="behind -- goes the link command of the build, as make V=1 or ninja -t commands show it: "
            "arm-none-eabi-gcc ... -T product.ld ... -o product.elf",
        )
    if shutil.which(words[0]) is None:
        raise SetupError(f"{words[0]} is not installed", hint="the toolchain that the product is built with")
    if "-c" in words or "-r" in words:
        raise UsageError("this command does not link an executable: it has -c or -r")


def _changed(words: Sequence[str], linked: Path, script: Path, moves: Moves) -> list[str]:
    """The command with the moved script and with outputs of our own."""
    folders = [Path(w[2:]) for w in words if w.startswith("-L") and len(w) > 2]
    folders += [Path(b) for a, b in pairwise(words) if a == "-L"]
    scripts = 0

    def kept(word: str, rest: Iterator[str]) -> list[str]:
        nonlocal scripts
        found = _SCRIPT.fullmatch(word)
        if found or word in ("-T", "--script", "-dT"):
            given = found[1] if found else next(rest, "")
            script.write_text(moved_script(_find(given, folders), folders, moves), encoding="utf-8")
            scripts += 1
            return ["-T", str(script)]
        if word in ("-o", "-Map", "--Map"):
            next(rest, "")
            return []
        return [] if _OUTPUT.fullmatch(word) else [word]

    result, rest = [words[0]], iter(_joined(words[1:]))
    for word in rest:
        if word.startswith("-Wl,"):
            parts = iter(word.split(",")[1:])
            left = [part for option in parts for part in kept(option, parts)]
            result += [",".join(["-Wl", *left])] if left else []
        else:
            result += kept(word, rest)
    if scripts != 1:
        raise UsageError(f"the link command has {scripts or 'no'} linker scripts (-T): it needs one")
    mapped = f"-Map={linked.with_suffix('.map')}"
    direct = re.fullmatch(r"(.*-)?ld.*", Path(words[0]).name) is not None
    return [*result, mapped if direct else f"-Wl,{mapped}", "-o", str(linked)]


def _joined(words: Sequence[str]) -> list[str]:
    """Options of the linker that stand apart (`-Wl,-T -Wl,a.ld`, `-Xlinker -T -Xlinker a.ld`), in one -Wl."""
    out: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-Xlinker":
            option = next(rest, "")
            if "," in option:
                raise UsageError(f"-Xlinker {option}: an option with a comma cannot be read here")
            word = f"-Wl,{option}"
        if word.startswith("-Wl,") and out and out[-1].startswith("-Wl,"):
            out[-1] += word[len("-Wl") :]
        else:
            out.append(word)
    return out


def _find(script: str, folders: Sequence[Path]) -> Path:
    for folder in (Path(), *folders):
        if script and (folder / script).is_file():
            return folder / script
    raise UsageError(f"no linker script {script!r} here, nor in the folders of -L")
