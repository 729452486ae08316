"""How the language model sees: chosen, and checked against the frame encoder."""

from __future__ import annotations

from pathlib import Path

from llm.eye import ConnectorEye
from llm.sight import EMBEDDED, Sight, load_sight
from llm.visual import Eye
from streams.config import ModelsConfig
from streams.errors import ConfigError


def choose_sight(models: ModelsConfig) -> Sight | None:
    """What is trained for it; None where the model is told names, or sees by itself.

    Raises ConfigError when the embedded sight is wanted for models that it was not trained on, ModelError.
    """
    embedded = models.llm == "embedded" and models.vision == "embedded"
    match models.sight:
        case "names":
            return None
        case "auto":
            return load_sight(EMBEDDED) if embedded else None
        case "embedded" if not embedded:
            raise ConfigError(
                "the embedded sight is of the embedded models; llm and vision are "
                f"'{models.llm}' and '{models.vision}'",
                param="models.sight",
            )
        case "embedded":
            return load_sight(EMBEDDED)
    return load_sight(Path(models.sight).expanduser())


def check_eye(eye: Eye | None, encoder: str) -> None:
    """Raises ConfigError when ``eye`` was trained on features of another encoder."""
    if isinstance(eye, ConnectorEye) and eye.encoder != encoder:
        raise ConfigError(
            f"the sight was trained on '{eye.encoder}', and models.vision is '{encoder}'",
            param="models.sight",
        )
