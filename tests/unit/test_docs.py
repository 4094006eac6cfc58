"""The documentation without running firmware: commands exist and take those options, blocks can be read."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks, links

from sim.cli import COMMANDS, _parser

BLOCKS = [pytest.param(block, id=block.where) for page in PAGES for block in blocks(page)]
# Commands that are checked by sight only: they change the system, or are the user's own.
OTHER = {"pip", "cd", "git", "cargo", "apt-get", "sudo", "export", "cmake", "ninja", "tox"}


@pytest.mark.parametrize("block", BLOCKS)
def test_block_can_be_read(block: Block) -> None:
    if block.language == "python":
        compile(block.text, block.where, "exec")
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "sh":
        assert block.commands, "an empty block"
        for words in block.commands:
            check_command(words, block)
    else:
        assert block.language in {"text", "csv", "c", "cpp", "make", "cmake", "yaml", "console"}, (
            f"{block.where}: no language given, so nobody can tell whether it runs"
        )


def check_command(words: list[str], block: Block) -> None:
    while "=" in words[0]:  # NAME=value before a command
        words = words[1:]
    program = Path(words[0]).name
    if program == "boardless":
        known = {*COMMANDS, "--help", "--version"}
        assert words[1] in known, f"{block.where}: there is no command {words[1]!r}"
        if words[1] in COMMANDS:
            _parser(words[1]).parse_args(words[1:])
    elif program == "make":
        targets = [w for w in words[1:] if "=" not in w]
        done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or block.file or block.not_run, done.stderr
    elif program in {"pytest", "python", "python3"}:
        for word in words[1:]:
            if word.startswith("tests/"):
                assert (ROOT / word.partition("::")[0]).exists(), f"{block.where}: there is no {word}"
    else:
        known = program in OTHER or program.startswith("arm-none-eabi-")
        assert known, f"{block.where}: {program} is not a command this test knows"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_named_in_the_text_exist(page: Path) -> None:
    """A path in backquotes that begins with a folder of the project."""
    tops = "sim|firmware|platforms|models|tests|scripts|docs|benchmarks"
    for name in re.findall(rf"`((?:{tops})/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_readme_is_short_and_begins_with_the_picture() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    first = blocks(ROOT / "README.md")[0]
    assert first.language == "text"
    assert first.line < 10


def test_a_block_knows_its_file_and_its_line(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    text = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        assert text[block.line - 1 : block.line - 1 + block.text.count("\n")] == block.text.splitlines()
    made = tmp_path / "page.md"
    made.write_text("<!-- file: a/b.csv -->\n```csv\n1,2\n```\n\n```sh\nls  # x\nboardless \\\n  boards\n```\n")
    first, second = blocks(made)
    assert (first.file, first.text) == ("a/b.csv", "1,2\n")
    assert (second.file, second.commands) == ("", [["ls"], ["boardless", "boards"]])


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by name: two of one name are an error that only a whole run shows."""
    names = [path.name for path in ROOT.glob("tests/**/test_*.py")]
    assert sorted(set(names)) == sorted(names)
