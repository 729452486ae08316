"""Arguments of ``streams talk``."""

from __future__ import annotations

import argparse
from pathlib import Path

URL = "ws://127.0.0.1:8765/v1/realtime"
FRAMES_PER_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default=URL, help=f"of the gateway ({URL})")
    parser.add_argument("--key", help="where the gateway asks for one")
    parser.add_argument("--model", default="streams", metavar="NAME", help="which is asked for (streams)")
    parser.add_argument("--session", metavar="NAME", help="go on with the session of this name")
    parser.add_argument(
        "--audio",
        default="microphone",
        metavar="SOURCE",
        help="microphone (default), a file or URL with sound, or none",
    )
    parser.add_argument(
        "--video",
        metavar="SOURCE",
        help="camera, camera:NAME, a film (file or URL), a picture or a folder of pictures; none by default",
    )
    parser.add_argument(
        "--fps", type=float, default=FRAMES_PER_S, metavar="N", help=f"frames a second ({FRAMES_PER_S:g})"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.wav", help="answers go there instead of to the loudspeaker"
    )
    parser.add_argument(
        "--proactive",
        choices=("off", "alerts", "narration"),
        default="off",
        help="let it speak up by itself: when it was asked to ('Tell me when ...'), or of all that is new",
    )
    parser.add_argument("--events", type=Path, metavar="FILE", help="write every event, one a line, as JSON")
    parser.add_argument(
        "--fast",
        action="store_true",
        help="files not in real time; for a server with server.clock = media, and with --out",
    )
