"""A GGUF file made into a Transformers folder, once: 15 s to load becomes 0.3 s."""

from __future__ import annotations

from pathlib import Path

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from llm.quiet import no_progress_bars
from streams.errors import ModelNotFoundError


def convert_gguf(source: Path, target: Path) -> None:
    """Write the one ``*.gguf`` in the folder ``source`` into ``target`` as bfloat16 safetensors.

    With it go the configuration, the generation defaults, the tokenizer and the chat template, so that
    ``from_pretrained(target)`` needs nothing else. Raises ModelNotFoundError without exactly one file.
    """
    files = sorted(source.glob("*.gguf"))
    if len(files) != 1:
        raise ModelNotFoundError(f"{source} holds {len(files)} GGUF files, not one", param=str(source))
    name = files[0].name
    with no_progress_bars():
        model = AutoModelForCausalLM.from_pretrained(
            source,
            gguf_file=name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
        )
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
        tokenizer.model_max_length = model.config.max_position_embeddings
        if _pre_tokenizer_name(files[0]) == "smollm":
            # Transformers knows of no pre-tokenizers by name and takes GPT-2's, which joins white space
            # before a digit otherwise than SmolLM was trained on (each digit apart, then GPT-2's).
            tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Digits(individual_digits=True),
                    pre_tokenizers.ByteLevel(add_prefix_space=False),
                ]
            )
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)


def _pre_tokenizer_name(file: Path) -> str:
    field = GGUFReader(file).get_field("tokenizer.ggml.pre")
    return "" if field is None else str(field.contents())
