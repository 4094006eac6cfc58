"""Images of a product, linked again for the twin: what QEMU has no machine for at the product's own addresses."""

from __future__ import annotations

from sim.relink.command import relink_by_command
from sim.relink.image import relink_image

__all__ = ["relink_by_command", "relink_image"]
