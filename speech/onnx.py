"""Small ONNX models, each on the one thread that asks it."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def load_onnx(path: Path) -> onnxruntime.InferenceSession:
    """On CPU, without threads of its own. Raises what ONNX Runtime does for what is no model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
