"""Video files and network streams to timed frames and sound, with PyAV (FFmpeg)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TypeAlias
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.stream import Disposition

from streams.errors import MediaError
from streams.log import get_logger
from streams.types import US_PER_S, AudioChunk, Frame
from video.interleave import Interleaver
from video.timeline import to_us
from video.track import AudioTrack, Picture, VideoTrack

logger = get_logger(__name__)

Item: TypeAlias = Picture | AudioChunk

HOLD_US = 2 * US_PER_S
"""How far one track may run ahead before it no longer waits for the other."""
TRUNCATED_US = 2 * US_PER_S
TRUNCATED_SHARE = 20
"""A file that ends both 2 s and a twentieth before the length it states was cut off."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a source says of itself. Unknown (a live stream's length) is None; sizes are before rotation."""

    duration_us: int | None
    has_video: bool
    has_audio: bool
    width: int | None
    height: int | None
    fps: float | None


class MediaReader:
    """Frames and sound of a file or URL (http, rtsp, …), once, in presentation order.

    Times are rebased to the start of the source; each track's never go back. Sound comes as mono
    float32 at 16 kHz in chunks of 100 ms. With ``video_fps`` only the frames that a ``Sampler`` of
    that rate would look at are converted to RGB and yielded; the rest count in ``frames_skipped``.
    Packets that cannot be decoded are skipped, logged and counted in ``corrupt_packets``.

    Opening raises MediaError, naming the source, when it is missing, not media, or (unless
    ``require_video`` is false) without video. Reading raises MediaError when the source fails on
    the way, or ends well before the length it states (code ``truncated_media``), after everything
    that could be read was yielded.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        video_fps: float | None = None,
        require_video: bool = True,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
    ) -> None:
        self.name = printable(source)
        self.corrupt_packets = 0
        self._container = self._open(str(source), open_timeout_s, read_timeout_s)
        origin_us = self._container.start_time or 0
        self._video = self._audio = None
        # A cover picture is a video stream of one frame to FFmpeg.
        films = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        if films:
            self._video = VideoTrack(films[0], origin_us, video_fps)
        if sounds := self._container.streams.audio:
            self._audio = AudioTrack(sounds[0], origin_us)
        if self._video is None and (require_video or self._audio is None):
            self.close()
            raise self._error("has no video stream" if require_video else "has neither video nor audio")
        self.info = self._describe()

    def _open(self, source: str, open_timeout_s: float, read_timeout_s: float) -> InputContainer:
        # Interleaved RTSP: cameras behind firewalls, and no frames torn by lost datagrams.
        options = {"rtsp_transport": "tcp"} if source.startswith("rtsp") else {}
        try:
            return av.open(source, "r", options=options, timeout=(open_timeout_s, read_timeout_s))
        except av.error.InvalidDataError:
            raise self._error("is not a media file, or is truncated") from None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._error(f"cannot be opened: {_reason(error)}") from error

    def _describe(self) -> MediaInfo:
        stream = self._video.stream if self._video else None
        return MediaInfo(
            duration_us=self._container.duration,
            has_video=stream is not None,
            has_audio=self._audio is not None,
            width=stream.width if stream else None,
            height=stream.height if stream else None,
            fps=float(stream.average_rate) if stream and stream.average_rate else None,
        )

    @property
    def frames_skipped(self) -> int:
        return self._video.skipped if self._video else 0

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        tracks: dict[int, VideoTrack | AudioTrack] = {
            track.stream.index: track for track in (self._video, self._audio) if track
        }
        order = {index: place for place, index in enumerate(tracks)}
        merged: Interleaver[Item] = Interleaver(len(tracks), HOLD_US)
        end_us = 0
        for packet in self._packets():
            end_us = max(end_us, _end_us(packet))
            index = packet.stream_index
            if index in tracks:
                for pts_us, item in self._decode(tracks[index], packet):
                    merged.push(order[index], pts_us, item)
                yield from map(_finish, merged.pop_ready())
        if self._audio:
            for pts_us, chunk in self._audio.flush():
                merged.push(order[self._audio.stream.index], pts_us, chunk)
        yield from map(_finish, merged.drain())
        self._check_length(end_us - (self._container.start_time or 0))

    def _packets(self) -> Iterator[av.Packet[av.stream.Stream]]:
        try:
            yield from self._container.demux()
        except (av.error.FFmpegError, OSError) as error:
            raise self._error(f"failed while reading: {_reason(error)}") from error

    def _decode(
        self, track: VideoTrack | AudioTrack, packet: av.Packet[av.stream.Stream]
    ) -> list[tuple[int, Item]]:
        items: list[tuple[int, Item]] = []
        corrupt = packet.is_corrupt
        try:
            items.extend(track.decode(packet))
        except (av.error.FFmpegError, OSError):
            corrupt = True
        if corrupt:
            self.corrupt_packets += 1
            logger.warning("corrupt_packet", source=self.name, track=track.stream.type, pts=packet.pts)
        return items

    def _check_length(self, end_us: int) -> None:
        stated_us = self._container.duration
        if stated_us and stated_us - end_us > max(TRUNCATED_US, stated_us // TRUNCATED_SHARE):
            raise self._error(
                f"is truncated: it ends at {end_us / US_PER_S:.1f} s of {stated_us / US_PER_S:.1f} s",
                code="truncated_media",
            )

    def _error(self, problem: str, code: str | None = None) -> MediaError:
        return MediaError(f"{self.name} {problem}", param=self.name, code=code)


def printable(source: str | Path) -> str:
    """``source`` as it may be logged: a URL without the user name and password in it."""
    text = str(source)
    if "://" not in text or "@" not in (netloc := urlsplit(text).netloc):
        return text
    return text.replace(netloc, netloc.rpartition("@")[2], 1)


def _finish(timed: tuple[int, Item]) -> Frame | AudioChunk:
    item = timed[1]
    return item if isinstance(item, AudioChunk) else Frame(timed[0], item.to_rgb())


def _end_us(packet: av.Packet[av.stream.Stream]) -> int:
    if packet.pts is None:
        return 0
    return to_us(packet.pts + (packet.duration or 0), packet.time_base or Fraction(1))


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
