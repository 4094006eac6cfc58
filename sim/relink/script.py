"""A linker script with its memory elsewhere: MEMORY, and addresses that stand as numbers."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sim.errors import UsageError
from sim.relink.moves import SIZES_BELOW, Moves

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_INCLUDE = re.compile(r"^[ \t]*INCLUDE[ \t]+\"?([^\"\s;]+)\"?;?", re.MULTILINE)
_MEMORY = re.compile(r"\bMEMORY\s*\{(.*?)\}", re.DOTALL)
_REGION = re.compile(
    r"([\w.$-]+)\s*(\([^)]*\))?\s*:\s*(?:ORIGIN|org|o)\s*=\s*(.+?)\s*,\s*(?:LENGTH|len|l)\s*=\s*([^\n;,]+)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"0[xX]([0-9a-fA-F]+)([kKmM]?)|([0-9]+)([kKmM]?)")
_LONG_NUMBER = re.compile(r"\b0[xX][0-9a-fA-F]{7,8}\b")
_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.floordiv,
}  # fmt: skip
_DEEPEST = 8  # INCLUDE in INCLUDE


def moved_script(path: Path, folders: Sequence[Path], moves: Moves) -> str:
    """The script's text for other addresses. Raises UsageError where its memory cannot be read."""
    text = _whole(path, folders, 0)
    found = _MEMORY.search(text)
    if found is None:
        raise UsageError(f"{path} has no MEMORY: nobody knows where it puts things",
                         hint="give the linker script that the product is linked with")  # fmt: skip
    out, at = [], 0
    for block in _MEMORY.finditer(text):
        out += [_numbers_moved(text[at : block.start()], moves), _regions_moved(path, block[1], text, moves)]
        at = block.end()
    return "".join([*out, _numbers_moved(text[at:], moves)])


def _whole(path: Path, folders: Sequence[Path], depth: int) -> str:
    """The script with what it includes, without comments."""
    try:
        text = _COMMENT.sub(" ", path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if depth > _DEEPEST:
        raise UsageError(f"{path}: INCLUDE goes in circles")

    def included(match: re.Match[str]) -> str:
        for folder in (Path(), path.parent, *folders):
            if (folder / match[1]).is_file():
                return _whole(folder / match[1], folders, depth + 1)
        raise UsageError(f"{path}: INCLUDE {match[1]}: no such file here, nor in the folders of -L")

    return _INCLUDE.sub(included, text)


def _regions_moved(path: Path, block: str, script: str, moves: Moves) -> str:
    lines, moved = [], False
    for name, attributes, origin, length in _REGION.findall(block):
        start, size = (_value(path, name, expression, script) for expression in (origin, length))
        by = moves.by(start, min(size, 1))
        moved = moved or by is not None
        lines.append(f"  {name} {attributes} : ORIGIN = {start + (by or 0):#x}, LENGTH = {size:#x}")
    if not lines:
        raise UsageError(f"{path}: its MEMORY has no region that can be read: {block.strip()[:80]!r}")
    if not moved:
        raise UsageError(f"{path}: none of its memory is the board's: {moves.text}",
                         hint="choose the board it is for, --board")  # fmt: skip
    return "MEMORY\n{\n" + "\n".join(lines) + "\n}"


def _value(path: Path, region: str, expression: str, script: str) -> int:
    """A number, or sums and products of numbers and symbols that the script sets to numbers."""
    plain = expression.strip()
    for _ in range(_DEEPEST):
        names = sorted(set(re.findall(r"(?<![\w.])[A-Za-z_][\w.]*", plain)), key=len, reverse=True)
        if not names:
            break
        for name in names:
            found = re.search(rf"(?m)(?<![\w.]){re.escape(name)}\s*=\s*([^;]+);", script)
            if found is None:
                raise UsageError(f"{path}: region {region}: {expression.strip()!r} is no number, and {name} is not set",
                                 hint="write the number into a copy of the script")  # fmt: skip
            plain = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", f"({found[1].strip()})", plain)
    digits = _NUMBER.sub(_plain_number, plain)
    try:
        return _calculated(ast.parse(digits.strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, KeyError):
        raise UsageError(f"{path}: region {region}: {expression.strip()!r} cannot be read",
                         hint="write the number into a copy of the script") from None  # fmt: skip


def _calculated(tree: ast.expr) -> int:
    """Whole numbers with + - * /."""
    if isinstance(tree, ast.BinOp):
        return _OPERATORS[type(tree.op)](_calculated(tree.left), _calculated(tree.right))
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return tree.value
    raise SyntaxError


def _plain_number(match: re.Match[str]) -> str:
    digits, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
    scale = {"": 1, "k": 1024, "m": 1024 * 1024}[unit.lower()]
    return str(int(digits, 16 if match[1] else 10) * scale)


def _numbers_moved(text: str, moves: Moves) -> str:
    """Addresses that are written out (`_estack = 0x20050000`); numbers that could be anything else stay."""

    def moved(match: re.Match[str]) -> str:
        value = int(match[0], 16)
        by = moves.by(value) if value >= SIZES_BELOW else None
        return f"{value + by:#x}" if by else match[0]

    return _LONG_NUMBER.sub(moved, text)
