"""Record: all that is known of one test on one board. JSON, JUnit properties, Markdown and HTML are made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sim.report.figure import Figure, Provenance


@dataclass(frozen=True)
class Event:
    """A decision on the timeline; times in seconds of board time."""

    time: float
    label: str
    score: float
    latency: float | None  # None: nobody knows when its last sample was taken


@dataclass(frozen=True)
class Trace:
    """A stimulus as it was played, thinned out for a plot. `values[c][i]` is channel c at `times[i]`."""

    sensor: str
    name: str
    start: float  # s of board time
    duration: float | None  # s; None: without end
    channels: tuple[str, ...]
    units: tuple[str, ...]
    times: tuple[float, ...]  # s of board time
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Share:
    """Something that a figure is made of: a symbol, a section, a function, an operator."""

    name: str
    value: float


@dataclass(frozen=True)
class Operator:
    """One operator of the model in one inference. `cycles` None: no timing model."""

    index: int
    kind: str
    layer: str
    macs: int
    instructions: int
    cycles: int | None = None


@dataclass(frozen=True)
class Space:
    """One memory of the board: what is in it, from its origin on. Sizes in bytes."""

    name: str
    size: int
    parts: tuple[Share, ...]

    @property
    def used(self) -> int:
        """Bytes of all parts together."""
        return round(sum(p.value for p in self.parts))


@dataclass(frozen=True)
class BudgetResult:
    """A budget and how it went; `value` None: the figure was not there, and `why` says why."""

    name: str
    limit: float
    value: float | None
    met: bool
    origin: str  # where it is declared
    why: str = ""


@dataclass(frozen=True)
class Record:
    """One test on one board and engine."""

    test: str
    outcome: str  # passed, failed, skipped
    provenance: Provenance
    figures: tuple[Figure, ...] = ()
    app: str = ""
    tflm: str = ""
    model_sha256: str = ""
    board_time: float | None = None  # s
    idle_time: float | None = None  # s of that in which the core waited
    time_base: str = ""
    failure: str = ""  # the reason, one line
    decisions: tuple[Event, ...] = ()
    stimuli: tuple[Trace, ...] = ()
    sensors: tuple[str, ...] = ()  # a line a sensor: samples consumed, saturated, lost
    operators: tuple[Operator, ...] = ()
    contributors: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)  # figure -> largest first
    memory: tuple[Space, ...] = ()
    budgets: tuple[BudgetResult, ...] = ()
    unverified: tuple[str, ...] = ()  # figures of the board and its power that nobody looked up
    notes: tuple[str, ...] = ()  # what is not there, and why

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same test of another run is found by."""
        return self.test, self.provenance.board, self.provenance.engine

    def figure(self, name: str) -> Figure | None:
        """The figure of that name."""
        return next((f for f in self.figures if f.name == name), None)

    def slim(self) -> Record:
        """Without what only plots need: for a stored run."""
        return replace(
            self, decisions=(), stimuli=(), sensors=(), operators=(), contributors={}, memory=(), budgets=(), notes=()
        )

    def as_json(self) -> dict[str, Any]:
        """As in schemas/results.json; what is empty is left out."""
        out: dict[str, Any] = {
            "test": self.test,
            "outcome": self.outcome,
            "provenance": asdict(self.provenance),
            "figures": {f.name: f.as_json() for f in self.figures},
        }
        for name in ("app", "tflm", "model_sha256", "time_base", "failure"):
            if getattr(self, name):
                out[name] = getattr(self, name)
        for name in ("board_time", "idle_time"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        for name in ("decisions", "stimuli", "operators", "memory", "budgets"):
            if getattr(self, name):
                out[name] = _plain([asdict(item) for item in getattr(self, name)])
        for name in ("sensors", "unverified", "notes"):
            if getattr(self, name):
                out[name] = list(getattr(self, name))
        if self.contributors:
            out["contributors"] = {name: [asdict(s) for s in shares] for name, shares in self.contributors.items()}
        return out

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Record:
        """The record that `as_json` gave. Raises KeyError or TypeError for other data."""
        given = dict(data)
        shares = given.pop("contributors", {})
        lists: dict[str, Any] = {
            "decisions": [Event(**d) for d in given.pop("decisions", [])],
            "stimuli": [_trace(d) for d in given.pop("stimuli", [])],
            "operators": [Operator(**d) for d in given.pop("operators", [])],
            "memory": [_space(d) for d in given.pop("memory", [])],
            "budgets": [BudgetResult(**d) for d in given.pop("budgets", [])],
            "sensors": given.pop("sensors", []),
            "unverified": given.pop("unverified", []),
            "notes": given.pop("notes", []),
            "figures": [Figure.from_json(n, f) for n, f in given.pop("figures").items()],
        }
        return Record(
            provenance=Provenance(**given.pop("provenance")),
            contributors={name: tuple(Share(**s) for s in items) for name, items in shares.items()},
            **{**given, **{name: tuple(items) for name, items in lists.items()}},
        )


def _plain(items: Sequence[Any]) -> list[Any]:
    """Tuples as lists, all the way down: what JSON and xdist can carry."""
    return [_plain_one(item) for item in items]


def _plain_one(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _plain_one(value) for key, value in item.items()}
    return _plain(item) if isinstance(item, list | tuple) else item


def _trace(data: Mapping[str, Any]) -> Trace:
    tuples = {key: tuple(data[key]) for key in ("channels", "units", "times")}
    return Trace(**{**data, **tuples, "values": tuple(tuple(v) for v in data["values"])})


def _space(data: Mapping[str, Any]) -> Space:
    return Space(data["name"], data["size"], tuple(Share(**p) for p in data["parts"]))
