"""Arrays that are given to a function: bytes in the board's RAM, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError
from sim.failure.prototypes import CType

if TYPE_CHECKING:
    import numpy as np

_KINDS = {"i": "signed", "u": "unsigned", "f": "float", "b": "unsigned"}


@dataclass
class Buffer:
    """Bytes for one argument. `after`: what they are when the function has returned."""

    data: bytes
    dtype: np.dtype[Any] | None = None  # None: bytes were given
    shape: tuple[int, ...] = ()
    address: int = 0
    after: bytes = b""

    def given_back(self) -> Any:
        """An array like the one that was given, or bytes."""
        if self.dtype is None:
            return self.after
        import numpy as np

        return np.frombuffer(self.after, dtype=self.dtype).reshape(self.shape).copy()


def is_buffer(given: Any) -> bool:
    """Whether it goes into memory; numbers do not."""
    return isinstance(given, bytes | bytearray | memoryview | list | tuple | str) or getattr(given, "ndim", 0) > 0


def buffer_of(given: Any, kind: CType | None, who: str) -> Buffer:
    """Raises UsageError where the function takes no pointer there, or one to something else."""
    if kind is not None and kind.kind != "pointer":
        raise UsageError(f"{who}: the function takes {kind.name} there, not an array")
    if isinstance(given, str):
        raise UsageError(f"{who}: a text", hint='give bytes, with a zero at the end: b"text\\0"')
    if isinstance(given, bytes | bytearray | memoryview):
        return Buffer(bytes(given))
    import numpy as np

    element = kind.to if kind is not None else None
    if isinstance(given, list | tuple):
        dtype = _dtype(element)
        if dtype is None:
            raise UsageError(f"{who}: a {type(given).__name__}, and nothing says of what", hint="give a numpy array")
        try:
            given = np.array(given, dtype=dtype)
        except (ValueError, OverflowError, TypeError) as error:
            raise UsageError(f"{who}: does not fit into an array of {dtype.name}: {error}") from None
    array = np.ascontiguousarray(given)
    if array.dtype.kind not in "iufb" or array.size == 0:
        raise UsageError(f"{who}: an array of {array.dtype} with {array.size} elements cannot be given")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    wanted = _dtype(element)
    if wanted is not None and (array.dtype.itemsize, _KINDS.get(array.dtype.kind)) != (
        wanted.itemsize,
        _KINDS[wanted.kind],
    ):
        raise UsageError(f"{who}: an array of {array.dtype.name}, and the function takes {wanted.name}",
                         hint=f"array.astype({wanted.name!r})")  # fmt: skip
    return Buffer(array.tobytes(), array.dtype, array.shape)


def _dtype(element: CType | None) -> np.dtype[Any] | None:
    """What numpy calls a number of C; None where it is no number, or nobody knows."""
    import numpy as np

    letter = (
        {"signed": "i", "unsigned": "u", "bool": "u", "float": "f"}.get(element.kind) if element is not None else None
    )
    if element is None or letter is None or element.size not in (1, 2, 4, 8) or (letter == "f" and element.size < 4):
        return None
    return np.dtype(f"<{letter}{element.size}")
