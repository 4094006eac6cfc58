"""Where a figure is from: every one of a board or a sensor part says it."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE_KINDS = ("datasheet", "driver", "chosen", "unverified")


@dataclass(frozen=True)
class Source:
    """Where a figure is from.

    `datasheet`: that text was opened; `driver`: repository, commit and file; `chosen`: not a figure of the product
    but a decision of ours or yours; `unverified`: nobody looked it up, which marks every result that rests on it.
    """

    kind: str
    text: str
