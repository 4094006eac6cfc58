"""`boardless engine`: put an engine into the user's own data folder, where it is found without a setting."""

from __future__ import annotations

import argparse

from sim.cli.options import check_outputs, progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    install = doing.add_parser("install", help="unpack a package, verify it by a run, and use it from then on")
    install.add_argument("engine", choices=["renode"], help="which engine")
    install.add_argument("package", help="package of its makers: a file or a URL (renode-1.16.0.linux-dotnet.tar.gz)")
    for option, shape, text in (
        ("--sha256", "HEX", "what the package's SHA-256 must be (default: it is recorded and shown)"),
        ("--pyrenode3", "FROM", "folder, archive or URL that pip has pyrenode3 from (default: its repository, pinned)"),
        ("--python", "PYTHON", "an interpreter that has pyrenode3 (default: an environment is made)"),
    ):
        install.add_argument(option, default="", metavar=shape, help=text)
    install.add_argument("--json", metavar="R.json", help="result as JSON ('-': standard output)")


def run(args: argparse.Namespace) -> int:
    from sim.engines.renode.install import install
    from sim.engines.renode.verify import verify
    from sim.report import json_out

    check_outputs(args.json)
    got = install(args.package, sha256=args.sha256, pyrenode3=args.pyrenode3, python=args.python, verify=verify,
                  progress=progress)  # fmt: skip
    if args.json:
        said = {"engine": args.engine, "version": got.renode, "runtime": got.runtime, "folder": str(got.folder),
                "python": str(got.python), "sha256": got.sha256}  # fmt: skip
        json_out.write("engine", said, args.json)
    if args.json == "-":
        return 0
    print(f"Renode {got.renode} ({got.runtime}) in {got.folder}: it has run a machine")
    print(f"  sha256  {got.sha256}{'' if args.sha256 else '  (recorded; --sha256 asks for it)'}")
    print(f"  python  {got.python}")
    print("It is found from now on, unless a setting or PYRENODE_... names another; `boardless doctor` shows it.")
    return 0
