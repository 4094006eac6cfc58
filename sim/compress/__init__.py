"""Deep compression (Han et al. 2015): channels, pruning, weight sharing, int8, Huffman coding; judged on the board.

    from sim.compress import compress
    result = compress("model.keras", "train.npz", "prune:0.8,cluster:16,int8", out="small.tflite")
    print(result.rows[-1].accuracy, result.ratio(result.rows[-1]))

TensorFlow is imported inside, never at import.
"""

from __future__ import annotations

from sim.compress.compress import Compression, compress
from sim.compress.judge import OnBoard, Row
from sim.compress.size import Size
from sim.compress.steps import Step, parse
from sim.compress.tuning import Tuning

__all__ = ["Compression", "OnBoard", "Row", "Size", "Step", "Tuning", "compress", "parse"]
