"""When to speak unasked: LIVE inference (VideoLLM-online, Chen et al., CVPR 2024).

After each frame a model that was trained so tells which comes next: another note, which is silence, or a
reply. Nothing is generated for that: the two tokens that open them are compared at the frame's last one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat
from streams.errors import ModelError


class Speaking:
    """The streaming head of one model: two rows of its language head. Used on the engine thread."""

    def __init__(self, backbone: Backbone, chat: ChatFormat, threshold: float) -> None:
        """``threshold`` is the probability above which it speaks, as calibrated on validation.

        Raises ModelError for one that is none, and for a chat format whose replies begin as notes do.
        """
        if not 0 < threshold < 1:
            raise ModelError(f"a threshold of {threshold} is no probability", param="llm.speak_threshold")
        reply, note = chat.ids(chat.reply_prefix)[:1], chat.overheard(0, "").ids[:1]
        if not reply or tuple(reply) == note:
            raise ModelError(
                "the model's chat format opens replies as it opens notes: it cannot tell when to speak",
                param="llm.speak_threshold",
            )
        self.threshold = threshold
        self._backbone = backbone
        self._ids = (*reply, *note)

    def urge(self, hidden: Tensor) -> float:
        """The probability of speaking after ``hidden`` [hidden], the state of a frame's last token."""
        reply, note = self._backbone.scores(hidden, self._ids)
        return float(torch.sigmoid(reply - note))

    def speaks(self, urge: float) -> bool:
        return urge > self.threshold
