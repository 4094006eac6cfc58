"""Where a traceback ends for the user: at the line of the test's own that called boardless."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

import sim
from sim.errors import UsageError
from sim.failure.frames import cut


def compiled(text: str, path: Path, names: dict[str, object]) -> dict[str, object]:
    exec(compile(text, str(path), "exec"), names)
    return names


# A function that raises, and one that calls back: as if their code lay in the package.
INSIDE = compiled(
    "def fails():\n    raise UsageError('x')\ndef around(call):\n    return call()\n",
    Path(sim.__file__).with_name("made_up.py"),
    {"UsageError": UsageError},
)


def traceback_of(call: object) -> TracebackType:
    assert callable(call)
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.__traceback__ is not None
    assert caught.value.__traceback__.tb_next is not None
    return caught.value.__traceback__.tb_next  # without this function


def functions(traceback: TracebackType | None) -> list[str]:
    out = []
    while traceback is not None:
        out.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    return out


def test_it_ends_where_it_enters_boardless() -> None:
    def helper() -> None:
        INSIDE["fails"]()  # type: ignore[operator]

    def users_test() -> None:
        helper()

    traceback = traceback_of(users_test)
    assert functions(traceback) == ["users_test", "helper", "fails"]
    assert cut(traceback)
    assert functions(traceback) == ["users_test", "helper"]


def test_hooks_around_a_test_are_no_part_of_it() -> None:
    def users_test() -> None:
        INSIDE["fails"]()  # type: ignore[operator]

    traceback = traceback_of(lambda: INSIDE["around"](users_test))  # type: ignore[operator]
    assert functions(traceback)[-3:] == ["around", "users_test", "fails"]
    assert cut(traceback.tb_next)
    assert functions(traceback)[-1] == "users_test"


def test_nothing_of_the_users_is_left_out_of_python_alone() -> None:
    @contextlib.contextmanager
    def manager() -> Iterator[None]:
        INSIDE["fails"]()  # type: ignore[operator]
        yield

    with pytest.raises(UsageError) as caught:
        contextlib.ExitStack().enter_context(manager())
    whole = caught.value.__traceback__
    assert whole is not None
    inner = whole.tb_next  # contextlib
    assert inner is not None
    assert inner.tb_next is not None
    assert "contextlib" in inner.tb_frame.f_code.co_filename
    only = inner
    while "contextlib" in only.tb_frame.f_code.co_filename and only.tb_next is not None:
        last, only = only, only.tb_next
    last.tb_next = only.tb_next  # without the manager, which is this test's own
    assert not cut(inner)
