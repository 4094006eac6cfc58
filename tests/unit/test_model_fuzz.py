"""Damaged files: whatever is done to a model, it is read or refused in one sentence, soon, and nothing else."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from sim.errors import UsageError
from sim.model import Model
from sim.model.check import refusals
from sim.model.estimate import estimate
from sim.model.schema import OPERATORS

FILES = sorted((Path(__file__).parents[1] / "data" / "models").glob("*.tflite"))


class Tree:
    def __init__(self, generation: str) -> None:
        self.generation = generation

    def builtin_ops(self) -> tuple[str, ...]:
        return OPERATORS


def damage(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)

    def anywhere() -> int:
        return rng.randrange(len(out))

    match rng.randrange(7):
        case 0:
            return bytes(out[: anywhere()])
        case 1:
            out[anywhere()] ^= 1 << rng.randrange(8)
        case 2:
            for _ in range(rng.randrange(1, 20)):
                out[anywhere()] = rng.randrange(256)
        case 3:
            at = anywhere() & ~3
            words = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, rng.randrange(len(out)), rng.randrange(64))
            out[at : at + 4] = rng.choice(words).to_bytes(4, "little")
        case 4:
            at = anywhere() & ~1
            out[at : at + 2] = rng.choice((0, 0xFFFF, rng.randrange(64))).to_bytes(2, "little")
        case 5:
            a, b, n = anywhere(), anywhere(), rng.randrange(1, 64)
            out[a : a + n] = out[b : b + n]
        case _:
            at = anywhere()
            del out[at : at + rng.randrange(1, 9)]
    return bytes(out)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_damaged_models(path: Path) -> None:
    data = path.read_bytes()
    rng = random.Random(path.stem)
    said: list[str] = []
    for number in range(300):
        hurt = damage(data, rng)
        start = time.process_time()
        try:
            model = Model.from_bytes(hurt, "hurt")
        except UsageError as error:
            said.append(error.message)
        else:
            # What can be read must also get through everything that looks at it.
            for generation in ("2020", "current"):
                refusals(model, Tree(generation), "reference")
                estimate(model, generation, "reference")
        assert time.process_time() - start < 1, f"seed {path.stem}, number {number}"
    assert all(s.startswith("hurt: ") and "\n" not in s and len(s) < 500 for s in said)
    assert len(said) > 100  # most damage must be seen: weights may change unnoticed, little else
