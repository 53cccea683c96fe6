"""How a sandbox ends: everything that it made goes, and what does not go is named."""

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from aiconform.cluster import labels, sweep
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.transport import QUIET

if TYPE_CHECKING:
    from aiconform.cluster.reading import Reading

STEP = "cleanup"


async def close_sandbox(box: "Reading", seconds: float) -> tuple[str, ...]:
    """Removes what carries the attempt's labels; returns and records what is left ("pods/ns/name")."""
    box.rec.step = STEP
    if box._renewer is not None:
        box._renewer.cancel()
        await asyncio.gather(box._renewer, return_exceptions=True)
    leftovers: tuple[str, ...] = ()
    if box.namespaces or box.made:
        try:
            leftovers = await _remove(box, seconds)
        except (ApiLost, ClusterError) as e:
            # Nothing can be seen any more: all that was made may still be there.
            box.rec.observe("note", "cleanup-incomplete", {"text": e.message}, STEP)
            leftovers = tuple(f"namespaces/{n}" for n in box.namespaces)
    for watch in box._watches.values():
        await watch.stop("the attempt is over")
    for name in leftovers:
        box.rec.observe("leftover", name, {}, STEP)
    box.rec.observe("fact", "calls", dict(box.scope.counts), STEP)
    return leftovers


async def _free(box: "Reading") -> None:
    """Tells that nothing is held any more, if no pod and no claim of this attempt is left, nor one that came since."""
    claims = await box.cluster.served("resource.k8s.io", "resourceclaims")
    kinds = [("v1", "pods"), *([(claims, "resourceclaims")] if claims else [])]
    # Whoever may not look learns it from the end of the cleanup.
    with contextlib.suppress(Refused):
        for api, plural in kinds:
            for namespace in box.namespaces:
                if await box.cluster.list(api, plural, namespace, metadata_only=True, extensions={QUIET: True}):
                    return
        box.turn.free()


async def _remove(box: "Reading", seconds: float) -> tuple[str, ...]:
    selector = f"{labels.RUN}={box.run},{labels.ATTEMPT}={box.labels[labels.ATTEMPT]}"
    found, unseen = await sweep.find(box.cluster, selector, namespaces=box.namespaces)
    mine, others = sweep.removable(found)
    freed = partial(_free, box) if box.attempt.holds and not unseen else None
    problems = await sweep.remove(box.cluster, mine, seconds=seconds, freed=freed)
    left, _ = await sweep.find(box.cluster, selector, namespaces=box.namespaces)
    if unseen:
        text = f"{len(unseen)} kinds of objects could not be listed: {'; '.join(unseen)}"
        box.rec.observe("note", "cleanup-unseen", {"text": text}, STEP)
    for text in problems:
        box.rec.observe("note", "cleanup", {"text": text}, STEP)
    for o in others:
        box.rec.observe("note", "untouched", {"text": f"{o.subject} carries our label in a foreign namespace"}, STEP)
    return tuple(sorted(f.subject for f in left))
