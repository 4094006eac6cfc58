"""`build`: app + model + board + engine's layout -> Firmware."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.boards import Board
from sim.errors import UsageError
from sim.firmware.app import App
from sim.firmware.arena import ArenaSize, arena_for, engine_of
from sim.firmware.fit import Overflow, does_not_fit
from sim.firmware.generate import card_of, memory_ld, model_card_h
from sim.firmware.image import Firmware
from sim.firmware.library import tflm_libraries
from sim.firmware.parts_h import parts_h
from sim.firmware.project import KernelMissing, Project
from sim.firmware.recorder import SMALLEST, RecorderOption, described, free_ram, ring_bytes, sources_of
from sim.firmware.toolchain import find_toolchain
from sim.paths import cache_root
from sim.tflm import TflmTree
from sim.tflm.digest import remember

if TYPE_CHECKING:
    from sim.engines.protocol import Engine, Layout
    from sim.model import Model


def build(
    app: str | Path,
    board: Board,
    layout: Layout,
    *,
    model: Model | Path | str | None = None,
    tree: TflmTree,
    kernels: str = "reference",
    arena: int | None = None,
    recorder: str = "",
    engine: Engine | None = None,
    check: bool = True,
    progress: Callable[[str], None] = lambda text: None,
) -> Firmware:
    """The firmware of `app` with `model` (default: the one its app.toml names) for `board`, linked for `layout`.

    `arena` in bytes: None sizes it by running the model on `engine` (default: the engine of the layout). `recorder`: a
    recorder of so many seconds goes into it (see `sim.firmware.recorder`), sized by running the app. What has been
    built before comes from the cache. `check=False` skips the comparison of model and tree (for tests of it).

    Raises UsageError (unknown app, model that the tree computes wrongly), BuildError (does not compile, does not
    fit), SetupError (a missing tool).
    """
    the_app = App.load(app)
    the_model, card = _model(the_app, model)
    tree.require(kernels)
    if check:
        from sim.model.check import check as check_model

        check_model(the_model, tree, kernels)
    tools = find_toolchain()
    option = RecorderOption.parse(recorder)
    if arena is not None and (arena < 0 or arena % 16):
        raise UsageError(f"arena = {arena}: must be a multiple of 16 bytes, not negative")

    def made(whole: bool) -> Firmware:
        libraries = tflm_libraries(tree, board, kernels, the_model.op_kinds, tools, progress, whole=whole)
        project = Project(
            app=the_app,
            board=board,
            console=layout.console,
            console_base=layout.console_base,
            tree=tree,
            kernels=kernels,
            op_kinds=the_model.op_kinds,
            libraries=libraries,
            tools=tools,
            recorder=option is not None,
            io=layout.io,
        )
        if arena is None:
            size = _sized(the_model, layout, project, engine or engine_of(layout), progress)
        else:
            size = ArenaSize(arena, None, None)
        if option is None:
            return _firmware(project, layout, the_model, card, size)
        below = round(option.below * 1000)
        # With a small ring first: what is free, and what the app reads.
        small = _firmware(project, layout, the_model, card, size, (SMALLEST, below))
        note = small.elf.with_name("reads.json")
        sources = sources_of(small.elf, board, layout, engine or engine_of(layout), note)
        if not sources:  # a setting of a whole project, and one of its apps has nothing to record
            plain = _firmware(replace(project, recorder=False), layout, the_model, card, size)
            return replace(plain, recorder="none: the app reads no sensor")
        free = SMALLEST + free_ram(small.parsed, the_app.heap)
        ring = ring_bytes(option, sources, free, board)
        recorded = _firmware(project, layout, the_model, card, size, (ring, below))
        return replace(recorded, recorder=described(sources, ring))

    try:
        return made(whole=False)
    except KernelMissing:
        # This tree has a usual operator's kernel in a file of another name.
        return made(whole=True)


def _sized(
    model: Model, layout: Layout, project: Project, engine: Engine, progress: Callable[[str], None]
) -> ArenaSize:
    """The arena is the same with drivers and without, so it is sized through the port."""
    if layout.io == "bus":
        layout = engine.layout(project.board)
        project = replace(project, io="port", console=layout.console, console_base=layout.console_base)
    return arena_for(model, layout, project, engine, progress)


def _firmware(
    project: Project, layout: Layout, model: Model, card: dict[str, object], size: ArenaSize,
    recorder: tuple[int, int] | None = None,
) -> Firmware:  # fmt: skip
    app, board = project.app, project.board
    memory = memory_ld(
        flash=(layout.flash.origin, layout.flash.size),
        ram=(layout.ram.origin, layout.ram.size),
        stack=app.stack,
        arena=size.reserved,
        heap=app.heap,
        vectors=layout.vectors,
        recorder=recorder,
        variables=model.variables,
    )
    card_text = model_card_h(card) + parts_h(board.parts)
    whole = "\0".join([project.key, model.sha256, memory, card_text])
    folder = cache_root() / "firmware" / hashlib.sha256(whole.encode()).hexdigest()[:24]
    elf = folder / f"{app.name}.elf"
    note = folder / "figures.json"
    figures = _noted(note) if elf.is_file() else None
    if figures is None:
        try:
            project.link(model=model.data, memory=memory, card=card_text, to=elf)
        except Overflow as over:
            parts = [f"arena {size.reserved}", f"stack {app.stack}", "the rest data"]
            if recorder:
                parts.insert(2, f"recorder {recorder[0]}")
            raise does_not_fit(
                board,
                f"app {app.name} with model {model.name}",
                flash=layout.flash.size + over.flash if over.flash else 0,
                ram=layout.ram.size + over.ram if over.ram else 0,
                parts=", ".join(parts),
            ) from None
        made = Firmware.from_elf(elf)
        figures = {"sha256": made.sha256, "flash": made.flash, "ram_static": made.ram_static}
        remember(note, figures)
    return Firmware(
        elf=elf,
        sha256=str(figures["sha256"]),
        app=app.name,
        flash=int(str(figures["flash"])),
        ram_static=int(str(figures["ram_static"])),
        arena_reserved=size.reserved,
        arena_used=size.used,
        arena_smallest=size.smallest,
        board=board,
        layout=layout,
        model=model,
        tree=project.tree,
        kernels=project.kernels,
        compiler=project.tools.text,
    )


def _noted(note: Path) -> Mapping[str, object] | None:
    try:
        loaded = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) and {"sha256", "flash", "ram_static"} <= set(loaded) else None


def _model(app: App, given: Model | Path | str | None) -> tuple[Model, dict[str, object]]:
    from sim.model import Model

    own = app.model_file()
    if given is None:
        if own is None:
            raise UsageError(f"app {app.name} runs any model: which one?", hint="give one: --model m.tflite")
        return Model.load(own), card_of(own)
    model = Model.load(given) if isinstance(given, str | Path) else given
    if own is None:
        return model, {}
    # A model without a card of its own is a variant of the app's: same labels, same window.
    return model, card_of(model.path) or card_of(own)
