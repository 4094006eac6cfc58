"""The command `boardless`: one module a subcommand, loaded only when it is called.

A subcommand module has `add_arguments(parser)` and `run(args) -> int`. Exit codes: 0 passed, 1 the firmware
failed or differs, 2 bad input.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from sim import __version__
from sim.cli.interrupts import Terminated, interruptible
from sim.errors import BoardlessError, FirmwareFailure

# command -> what it does, one line; its code is in sim/cli/<command>.py
COMMANDS = {
    "invoke": "run a .tflite on a virtual board: outputs, instructions, memory",
    "profile": "where the instructions and cycles of an inference go: operators, functions, lines",
    "diff": "the first operator of a model that gives other values on the board than on the host",
    "energy": "joules of an inference, mean current of a duty, days on a cell: an estimate with its inputs",
    "measure": "instructions, cycles and memory of a function of an app, an image or a model",
    "run": "run an app or an ELF on a virtual board and show what it does",
    "evaluate": "accuracy of an app on a virtual board over a labelled set, beside the int8 model on the host",
    "replay": "run a recording again: the same, or where it differs; does a new firmware still fail?",
    "compare-engines": "the same app, model and stimulus on two engines: the first event that is not the same",
    "sweep": "evaluate over apps, boards, models, TFLM trees and engines: one table, and a picture of it",
    "shrink": "the smallest stimulus of a recording that is still wrong in the same way",
    "pin": "a pytest case of a recording: red now, green after the fix",
    "field": "what a device in the field has left: logs as a recording, a crash dump in words",
    "campaign": "bit flips in memory by the hundred: which decisions change, which weights and functions matter",
    "inspect": "what is in a .tflite, which boards it fits, what the TFLM tree refuses",
    "convert": "Keras model to int8 .tflite that the TFLM tree computes right",
    "compress": "pruning, weight sharing, int8: accuracy, size and cycles on the board after each step",
    "relink": "a product's image for the twin of its board, where no machine has the board's own addresses",
    "build": "build the firmware of an app and a model for a board",
    "port": "the two C files by which any firmware talks to a virtual board: print where, or copy them",
    "boards": "the boards there are, and where each figure is from",
    "engine": "install an engine from a package of its makers: Renode",
    "doctor": "what is installed, what is missing, and the command that mends it",
    "init": "write a small project of your own: settings, a test, a CI file",
    "demo": "two real models on real data, on a virtual board, with a picture of each",
}


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="boardless",
        description="pytest for TinyML firmware on virtual boards.",
        epilog="exit codes: 0 passed, 1 the firmware failed or differs, 2 bad input",
    )
    parser.add_argument("--version", action="version", version=f"boardless {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == chosen:
            import_module(f"sim.cli.{name.replace('-', '_')}").add_arguments(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = next((w for w in words if not w.startswith("-")), None)
    usual, warnings.formatwarning = warnings.formatwarning, _plain
    try:
        with interruptible():
            args = _parser(chosen).parse_args(words)
            # argparse does not tell what was behind it; None: there was no `--`
            args.behind = words[words.index("--") + 1 :] if "--" in words else None
            return int(import_module(f"sim.cli.{args.command.replace('-', '_')}").run(args))
    except BoardlessError as error:
        print(f"boardless {chosen}: {error}", file=sys.stderr)
        return 2
    except FirmwareFailure as failure:
        print(f"boardless {chosen}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(f"boardless {chosen}: stopped", file=sys.stderr)
        return 143 if isinstance(stopped, Terminated) else 130
    except BrokenPipeError:
        # The reader of a pipe has gone (`boardless boards | head`); there is nobody to tell.
        sys.stderr.close()
        return 0
    except OSError as error:
        # A full or read-only disk, wherever it was noticed.
        print(f"boardless {chosen}: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    finally:
        warnings.formatwarning = usual


def _plain(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
    """A warning as a user of the command wants it: what is wrong, not which line of boardless says so."""
    return f"boardless: warning: {message}\n"
