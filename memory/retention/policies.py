"""The retention policies by the name that the configuration knows them by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from memory.retention.least_recalled import LeastRecalledFirst
from memory.retention.oldest import OldestFirst
from memory.retention.policy import RetentionPolicy
from memory.retention.thinning import Thinning

RETENTION_POLICIES: Mapping[str, RetentionPolicy] = MappingProxyType(
    {policy.name: policy for policy in (OldestFirst(), LeastRecalledFirst(), Thinning())}
)
