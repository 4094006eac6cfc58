"""Where a test's own code ends and boardless begins."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

_PACKAGE = Path(__file__).resolve().parents[1]


def cut(traceback: TracebackType | None) -> bool:
    """Let the traceback end where it enters boardless; False if nothing of the user's would be left."""
    import _pytest
    import pluggy

    others = [Path(module.__file__ or "").resolve().parent for module in (_pytest, pluggy)]
    library = Path(contextlib.__file__).parent  # Python's own; packages of the user's may be installed below it
    last: TracebackType | None = None
    own = False
    while traceback is not None:
        path = Path(traceback.tb_frame.f_code.co_filename)
        if _PACKAGE in path.parents:
            if own and last is not None:
                last.tb_next = None
                return True
            # What boardless does before the test's own code (a hook around it) is none of it.
            last, traceback = traceback, traceback.tb_next
            continue
        inner = library in path.parents and "site-packages" not in path.parts
        own = own or not (inner or any(folder in path.parents for folder in others))
        last, traceback = traceback, traceback.tb_next
    return own
