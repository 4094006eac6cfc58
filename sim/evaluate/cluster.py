"""Units on a Dask cluster. Firmware travels by its hash: a worker gets the bytes only if it has not got them yet."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim import __version__
from sim.errors import SetupError
from sim.evaluate.playing import run_unit
from sim.evaluate.unit import Place, Played, Unit
from sim.paths import cache_root

INSTALL = "pip install 'boardless[dask]', here and on the workers"
_AHEAD = 2  # units that wait for each thread of a worker, so that none has to
_PATIENCE = 20  # times that a worker may ask for an image that is on its way
_WITHIN = 10  # s of this machine's time, to reach the scheduler


@dataclass(frozen=True)
class Missing:
    """A worker has not got the image, and played nothing."""

    worker: str


class Cluster:
    """The workers of a scheduler (see `sim.evaluate.executor.Executor`). What a lost worker had is played again."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent = 0  # times that an image was sent to a worker

    @classmethod
    @contextmanager
    def at(cls, address: str) -> Iterator[Cluster]:
        """Connect. Raises SetupError without the package, and where no scheduler answers."""
        try:
            from distributed import Client
        except ImportError:
            raise SetupError("a Dask cluster needs the package distributed", hint=INSTALL) from None
        try:
            client = Client(address, timeout=_WITHIN, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise SetupError(f"no Dask scheduler at {address}: {error}",
                             hint="start one: dask scheduler; dask worker ADDRESS") from None  # fmt: skip
        with client:
            yield cls(client)

    def start(self) -> None:
        """The workers are there already."""

    def ahead(self, place: Place, unit: Unit) -> bool:
        """Nothing is sent out before it is known to be good."""
        return False

    def run(self, place: Place, units: Iterator[Unit]) -> Iterator[tuple[str, list[Played]]]:
        """See Executor. Raises SetupError for a cluster without workers, or whose workers are of another version."""
        from distributed import as_completed

        if not self._client.nthreads():
            raise SetupError("the Dask cluster has no workers", hint="start one: dask worker ADDRESS")
        image = place.elf.read_bytes()
        # No place of this machine means anything elsewhere.
        elsewhere = replace(place, elf=Path())
        running: dict[str, tuple[Any, Unit]] = {}
        asked: dict[str, int] = {}  # unit -> how often a worker had not got the image
        given: set[str] = set()  # workers that the image has been sent to
        completed = as_completed(loop=self._client.loop)

        def more() -> None:
            while len(running) < _AHEAD * max(1, sum(self._client.nthreads().values())):
                unit = next(units, None)
                if unit is None:
                    return
                submit(unit, None, {})

        def submit(unit: Unit, data: bytes | None, where: dict[str, Any]) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # hours of sound are large, and are needed nowhere else
                future = self._client.submit(remote, __version__, elsewhere, unit, data, pure=False, **where)
            running[future.key] = future, unit
            completed.add(future)

        try:
            more()
            while running:
                future = next(completed)
                _, unit = running.pop(future.key)
                found = self._result(future, unit)
                if isinstance(found, Missing):
                    # Of several units that wait there, one brings it; if it got lost on the way, another does.
                    asked[unit.key] = asked.get(unit.key, 0) + 1
                    bring = found.worker not in given or asked[unit.key] > _PATIENCE
                    given.add(found.worker)
                    self.sent += bring
                    submit(unit, image if bring else None, {"workers": [found.worker], "allow_other_workers": True})
                    continue
                yield unit.key, found
                more()
        finally:
            completed.clear()
            self._client.cancel([future for future, _ in running.values()])

    def _result(self, future: Any, unit: Unit) -> list[Played] | Missing:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            found: list[Played] | Missing = future.result()
            return found
        except KilledWorker as error:
            raise SetupError(f"workers died again and again on {unit.names[0]}: {error}",
                             hint="out of memory? fewer threads a worker") from None  # fmt: skip
        except FutureCancelledError as error:
            raise SetupError(f"the Dask cluster has lost {unit.names[0]}: {error}",
                             hint="has the scheduler ended?") from None  # fmt: skip
        except ImportError as error:
            raise SetupError(f"a worker cannot load boardless: {error}", hint=INSTALL) from None


def remote(version: str, place: Place, unit: Unit, image: bytes | None) -> list[Played] | Missing:
    """On a worker: play a unit with the image of that hash; `Missing` where it is neither here nor given."""
    from distributed import get_worker

    if version != __version__:
        raise SetupError(f"a worker has boardless {__version__}, not {version}", hint="install the same everywhere")
    path = cache_root() / "elf" / f"{place.elf_sha256}.elf"
    if not path.is_file():
        if image is None:
            return Missing(get_worker().address)
        _keep(path, image, place.elf_sha256)
    return run_unit(replace(place, elf=path), unit)


def _keep(path: Path, image: bytes, sha256: str) -> None:
    if hashlib.sha256(image).hexdigest() != sha256:
        raise SetupError(f"an image arrived damaged: it is not {sha256[:12]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, private = tempfile.mkstemp(prefix=".elf-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(image)
    Path(private).replace(path)
