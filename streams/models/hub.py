"""Models by hub name (``organisation/name``), through huggingface_hub and its own cache.

``HF_HUB_OFFLINE``, ``HF_HOME``, ``HF_TOKEN`` and ``HF_ENDPOINT`` work as everywhere.
"""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # the base of its HTTP client's errors
    GatedRepoError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from streams.errors import DownloadError, ModelNotFoundError
from streams.models.disk import cache_error

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
OTHER_FRAMEWORKS = ("*.h5", "*.msgpack", "*.tflite", "*.gguf", "*.onnx", "onnx/*", "openvino/*", "original/*")
"""The same weights again in forms that no backend here reads; whole gigabytes in some repositories."""


def fetch_snapshot(name: str, *, param: str, cached_only: bool = False) -> Path:
    """The folder of the hub model ``name``, downloaded first unless ``cached_only``.

    Raises ModelNotFoundError when the hub has no such model (or none for this user), DownloadError
    when the hub cannot be reached, CacheError when its files cannot be written.
    """
    try:
        return Path(
            snapshot_download(name, ignore_patterns=list(OTHER_FRAMEWORKS), local_files_only=cached_only)
        )
    except GatedRepoError as error:
        raise ModelNotFoundError(
            f"the hub model {name} is gated: accept its terms on the hub and set HF_TOKEN", param=param
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise ModelNotFoundError(
            f"the hub has no model {name}, or this user may not read it (HF_TOKEN)", param=param
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HTTPError) as error:
        cause = str(error.__cause__ or error).partition("\n")[0].rstrip(". ") or type(error).__name__
        raise DownloadError(
            f"cannot get {name} from the hub, and the hub's cache does not hold it: {cause}. "
            "Check the network, HF_ENDPOINT and HF_HUB_OFFLINE, or use 'embedded' or a local path.",
            param=param,
        ) from error
    except OSError as error:
        raise cache_error(Path(error.filename or "~/.cache/huggingface"), error) from error
