"""The mark in an ELF that says that it is not the product's own image: a section that is not loaded."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from sim.errors import UsageError
from sim.firmware.toolchain import find_toolchain

SECTION = ".boardless.relinked"  # read by sim.elf


def labelled(elf: Path, out: Path, text: str) -> None:
    """Write `elf` to `out` with the text that reports show. Raises UsageError or SetupError."""
    with tempfile.TemporaryDirectory(prefix="boardless-relink-") as folder:
        note = Path(folder) / "label"
        note.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [f"{find_toolchain().prefix}objcopy", f"--add-section={SECTION}={note}",
             f"--set-section-flags={SECTION}=noload,readonly", str(elf), str(out)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise UsageError(f"{out}: cannot be written: {done.stderr.strip().splitlines()[-1]}")
