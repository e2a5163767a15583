"""Numbers derived from names: stable across machines, processes and Python versions."""

import hashlib


def stable_int(*parts: object) -> int:
    """A 63-bit integer that depends on nothing but `parts`."""
    text = "\x1f".join(str(p) for p in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stable_fraction(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but `parts`."""
    return stable_int(*parts) / 2**63


def shard_of(track_id: str, shards: int) -> int:
    """The shard, 0 to `shards` - 1, that a track and all its clips belong to."""
    return stable_int("shard", track_id) % shards
