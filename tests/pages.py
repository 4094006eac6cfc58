"""A page of documentation as a session: its code blocks in order, each with what is to be done with it.

A block is run by its language: `python` (test functions by pytest, anything else as it stands, all blocks of a page
in one namespace), `sh` line by line, `toml` and `json` are read. A line `<!-- file: NAME -->` before a block writes
it to that file first, so that later blocks can use it; `<!-- not run: WHY -->` leaves it out, and says why.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^```(\w*)\s*$")
_REMARK = re.compile(r"^<!-- (file|not run): (.+?) -->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` is where its text begins (1 is the first of the page)."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""
    not_run: str = ""

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """Of a shell block: the words of each command, `\\` at the end of a line joined, comments dropped."""
        joined = self.text.replace("\\\n", " ")
        return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found: list[Block] = []
    remark: dict[str, str] = {}
    start, language, text = 0, "", [""]
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if start and line.rstrip() == "```":
            kind = {key.replace(" ", "_"): value for key, value in remark.items()}
            found.append(Block(page, start, language, "\n".join(text) + "\n", **kind))
            start, remark = 0, {}
        elif start:
            text.append(line)
        elif fence:
            start, language, text = number + 1, fence[1], []
        elif match := _REMARK.match(line):
            remark[match[1]] = match[2]
        elif line.strip():
            remark = {}
    assert not start, f"{page}: the block at line {start} does not end"
    return found


def links(page: Path) -> list[str]:
    """Targets of all relative links of a page, without their anchors."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [t.split("#")[0] for t in targets if not t.startswith(("http", "mailto:", "#"))]
