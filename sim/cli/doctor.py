"""`boardless doctor`: what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from sim.doctor import Finding, examine, works
from sim.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the findings as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    findings = examine(Settings.load())
    good = works(findings)
    if args.json != "-":
        print(table(findings))
        print()
        print(verdict(findings))
    if args.json:
        from sim.report import json_out

        json_out.write("doctor", {"works": good, "findings": [asdict(f) for f in findings]}, args.json)
    return 0 if good else 1


def table(findings: Sequence[Finding]) -> str:
    """One line a finding: mark, name, version, what or where; below it the command that mends it."""
    lines = []
    for f in findings:
        mark = "ok" if f.ok else ("MISSING" if f.required else "-")
        about = "  ".join(part for part in (f.version, f.text, f.path) if part)
        lines.append(f"{mark:8}{f.name:20} {about}".rstrip())
        if f.mend:
            lines.append(f"{'':8}{'':20} -> {f.mend}")
    return "\n".join(lines)


def verdict(findings: Sequence[Finding]) -> str:
    """The last line: whether the embedded default works."""
    gaps = [f.name for f in findings if f.required and not f.ok]
    if not gaps:
        return "boardless works here: virtual boards on QEMU."
    return f"Missing: {', '.join(gaps)}. Run the commands above."
