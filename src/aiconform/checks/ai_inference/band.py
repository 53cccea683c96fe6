"""The band that chance leaves to a share. Pure."""

import math

# Two-sided 99.9 % of the normal distribution.
_Z = 3.2905


def half_width(share: float, count: int) -> float:
    """Half of the band's width around `share` for `count` independent requests."""
    return _Z * math.sqrt(share * (1 - share) / count)


def side(seen: int, share: float, count: int) -> int:
    """0 if `seen` of `count` lies in the band around `share`, else -1 (too few) or 1 (too many)."""
    off = seen / count - share
    return 0 if abs(off) <= half_width(share, count) else 1 if off > 0 else -1
