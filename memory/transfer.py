"""Copies of blocks between the device and host memory: a contract, and one class for each kind of device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from memory.codec.codec import EncodedBlock


class Transfer(Protocol):
    def to_host(self, block: EncodedBlock) -> EncodedBlock:
        """``block`` in host memory. Its bytes may be on their way until ``wait`` returned."""
        ...

    def wait(self, block_id: int) -> None:
        """Return once the bytes of a block that was copied to host are there."""
        ...

    def to_device(self, block: EncodedBlock) -> EncodedBlock:
        """``block`` on the device, for use by what is queued there from now on."""
        ...


class HostTransfer:
    """The device is the host: nothing is copied."""

    def to_host(self, block: EncodedBlock) -> EncodedBlock:
        return block

    def wait(self, block_id: int) -> None:
        return

    def to_device(self, block: EncodedBlock) -> EncodedBlock:
        return block


class CudaTransfer:
    """Asynchronous copies through pinned memory on a stream of their own, so that the model's goes on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._copied: dict[int, torch.cuda.Event] = {}

    def to_host(self, block: EncodedBlock) -> EncodedBlock:
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            tensors = {name: self._pinned(tensor) for name, tensor in block.tensors.items()}
            self._copied[block.id] = self._stream.record_event()
        return replace(block, tensors=tensors)

    def _pinned(self, tensor: Tensor) -> Tensor:
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        # Its memory must not be given to another tensor before the copy is through.
        tensor.record_stream(self._stream)
        return host

    def wait(self, block_id: int) -> None:
        copied = self._copied.pop(block_id, None)
        if copied is not None:
            copied.synchronize()

    def to_device(self, block: EncodedBlock) -> EncodedBlock:
        self.wait(block.id)
        current = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            tensors: Mapping[str, Tensor] = {
                name: tensor.to(self._device, non_blocking=True) for name, tensor in block.tensors.items()
            }
        current.wait_stream(self._stream)
        for tensor in tensors.values():
            tensor.record_stream(current)
        return replace(block, tensors=tensors)


def new_transfer(device: torch.device) -> Transfer:
    return CudaTransfer(device) if device.type == "cuda" else HostTransfer()
