"""The families that are known, by the model type that a configuration names."""

from __future__ import annotations

from transformers import PreTrainedConfig

from llm.families.family import Family
from llm.families.llava_onevision import LLAVA_ONEVISION
from llm.families.qwen2_5_vl import QWEN2_5_VL
from llm.families.qwen3_vl import QWEN3_VL
from llm.families.smolvlm import SMOLVLM
from streams.errors import ModelError

FAMILIES = (SMOLVLM, LLAVA_ONEVISION, QWEN2_5_VL, QWEN3_VL)


def family_of(config: PreTrainedConfig) -> Family | None:
    """The family of a model that sees; None of a language model alone.

    Raises ModelError for a model that takes more than text and is of none of the families.
    """
    for family in FAMILIES:
        if config.model_type in family.model_types:
            return family
    if config.get_text_config() is not config:
        names = ", ".join(family.name for family in FAMILIES)
        raise ModelError(
            f"'{config.model_type}' models take more than text and are not supported; {names} are",
            param="models.llm",
        )
    return None
