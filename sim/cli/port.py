"""`boardless port`: the two files that any firmware takes in, where they lie or copied."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.errors import UsageError
from sim.paths import data_root
from sim.port.mailbox import VERSION

FILES = ("boardless_port.h", "boardless_port.c")
_MARK = b"boardless_mailbox"  # stands in every version of both


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, help="where to copy them (default: print where they lie)")
    parser.add_argument("--json", metavar="FILE", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.report import json_out

    source = data_root() / "firmware" / "port"
    folder = source if args.folder is None else copied(source, args.folder)
    if args.json != "-":
        print(folder if args.folder is None else "\n".join(f"wrote {folder / name}" for name in FILES))
    if args.json:
        json_out.write("port", {"folder": str(folder), "files": list(FILES), "version": VERSION}, args.json)
    return 0


def copied(source: Path, folder: Path) -> Path:
    """Copy both files; older ones of ours are replaced. Raises UsageError, and nothing is written then."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
    for name in FILES:
        there = folder / name
        if there.exists() and not (there.is_file() and _MARK in there.read_bytes()):
            raise UsageError(f"{there}: something else of that name is there", hint="give another folder, or move it")
    try:
        for name in FILES:
            (folder / name).write_bytes((source / name).read_bytes())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    return folder
