from __future__ import annotations
from dataclasses import dataclass


@dataclass(frozen=True)
class ArenaSize:
    reserved: int
    used: int | None
    smallest: int | None


def arena_for(*a):
    raise NotImplementedError
