"""The picture of one attempt: inline SVG, coloured by the report's style sheet. Pure, and equal bytes each time.

From left to right is time. A heading a step, below it one lane a pod: a thin line while it waits, a pale bar once
it is bound to a node, a full bar while it runs. Windows are shaded over the whole height, watch gaps hatched.
Cited observations are marked where they happened, and link to the recorded object.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from aiconform.report.history import History, PodLane, Span, StepLane

WIDTH = 1000
LEFT = 210
RIGHT = 24
LANE = 18
HEAD = 24
# Lanes beyond this make no picture any more; pods with cited observations are kept.
MOST_PODS = 60
ROLES = 6
_CHAR = 6.3  # mean width of a character at 11 px, for label rows


@dataclass(frozen=True)
class Mark:
    """How one cited observation is shown: when, where its link leads, and whether a FAIL rests on it."""

    t: float
    href: str
    title: str
    fails: bool


@dataclass(frozen=True)
class Scale:
    """Seconds to x."""

    end: float

    def x(self, t: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(t, 0.0), self.end) / self.end)


def svg(history: History, marks: Mapping[int, Mark], name: str) -> str:
    """The picture; "" if nothing can be drawn. `name` is unique in the document and made for an id."""
    lanes, left_out = _fit(history)
    if not lanes or history.end <= 0:
        return ""
    scale = Scale(history.end)
    labels, top = _labels(history.windows, scale)
    parts: list[str] = []
    y = top
    for step in lanes:
        parts.append(_step(step, y, scale, marks))
        y += HEAD
        for pod in step.pods:
            parts.append(_pod(pod, y, scale, marks, role_number(history, pod.role)))
            y += LANE
        y += 4
    shades = [_shade(w, "window", scale, top - 6, y) for w in history.windows]
    gaps = [_shade(g, "gap", scale, top - 6, y) for g in history.gaps]
    return "".join(
        [
            f'<svg class="timeline" viewBox="0 0 {WIDTH} {y + 24}" role="group" aria-labelledby="{name}-title">',
            f'<title id="{name}-title">What happened over {history.end:.0f} seconds; '
            "the table below the picture says the same in words.</title>",
            f'<defs><pattern id="{name}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path d="M0 0V6" class="hatch"/></pattern></defs>',
            *shades,
            _axis(scale, top - 6, y),
            *labels,
            *parts,
            *(g.replace('class="gap"', f'class="gap" fill="url(#{name}-hatch)"') for g in gaps),
            f'<text class="small" x="0" y="{y + 16}">{left_out} more pods are not drawn</text>' if left_out else "",
            "</svg>",
        ]
    )


def roles(history: History) -> tuple[str, ...]:
    """Roles in order of appearance: the order of their colours, for the legend."""
    return tuple(dict.fromkeys(p.role for s in history.steps for p in s.pods))


def role_number(history: History, role: str) -> int:
    return roles(history).index(role) % ROLES


def _fit(history: History) -> tuple[list[StepLane], int]:
    pods = [p for s in history.steps for p in s.pods]
    if len(pods) <= MOST_PODS:
        return list(history.steps), 0
    ranked = sorted(pods, key=lambda p: not p.cites)  # stable: cited pods first, each in order of arrival
    keep = {p.uid for p in ranked[:MOST_PODS]}
    lanes = [StepLane(s.name, s.start, s.end, [p for p in s.pods if p.uid in keep], s.cites) for s in history.steps]
    return [s for s in lanes if s.pods or s.cites], len(pods) - MOST_PODS


def _labels(windows: Iterable[Span], scale: Scale) -> tuple[list[str], int]:
    """Names of the windows above the lanes, in as many rows as it takes for none to cover another."""
    ends: list[float] = []
    out = []
    for w in windows:
        text = f"{w.name} window {w.end - w.start:.0f} s" + ("" if w.closed else ", never closed")
        x = min(scale.x(w.start), WIDTH - len(text) * _CHAR)
        row = next((i for i, e in enumerate(ends) if e < x), len(ends))
        ends[row:] = [x + len(text) * _CHAR + 8, *ends[row + 1 :]]
        out.append(f'<text class="small window-name" x="{x:.1f}" y="{14 + row * 14}">{escape(text)}</text>')
    return out, 14 + len(ends) * 14 + 8


def _shade(span: Span, kind: str, scale: Scale, top: float, bottom: float) -> str:
    x = scale.x(span.start)
    width = max(scale.x(span.end) - x, 3.0)
    title = f"{kind} {span.name}, {span.start:.1f} s to {span.end:.1f} s: {span.text}"
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{bottom - top:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _axis(scale: Scale, top: float, bottom: float) -> str:
    unit = next((u for u in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600) if scale.end / u <= 12), 7200)
    out = []
    for i in range(int(scale.end // unit) + 1):
        x = scale.x(i * unit)
        out.append(
            f'<path class="grid" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'
            f'<text class="small" text-anchor="middle" x="{x:.1f}" y="{bottom + 16:.1f}">{clock(i * unit)}</text>'
        )
    return "".join(out)


def clock(seconds: float) -> str:
    """Seconds as an axis says them: 45 s, 2 min, 2:30."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole % 60 == 0 else f"{whole // 60}:{whole % 60:02d}"


def _step(step: StepLane, y: int, scale: Scale, marks: Mapping[int, Mark]) -> str:
    x1, x2 = scale.x(step.start), scale.x(step.end)
    return (
        f'<text class="step" x="0" y="{y + 16}">{escape(_short(step.name or "run", 30))}</text>'
        f'<path class="step-span" d="M{x1:.1f} {y + 8}V{y + 16}M{x1:.1f} {y + 12}H{max(x2, x1 + 1):.1f}'
        f'M{x2:.1f} {y + 8}V{y + 16}"/>' + _marks(step.cites, y + 12, scale, marks)
    )


def _pod(pod: PodLane, y: int, scale: Scale, marks: Mapping[int, Mark], colour: int) -> str:
    middle = y + LANE / 2
    end = scale.end if pod.ended is None else pod.ended
    started = end if pod.started is None else pod.started
    placed = started if pod.bound is None else min(pod.bound, started)
    x1, x2, x3, x4 = (scale.x(t) for t in (pod.created, placed, started, end))
    out = [f'<g class="role-{colour}"><title>{escape(sentence(pod))}</title>']
    out.append(f'<text class="small" x="10" y="{middle + 4:.1f}">{escape(_short(pod.name, 32))}</text>')
    out.append(f'<path class="waits" d="M{x1:.1f} {middle:.1f}H{max(x2, x1 + 2):.1f}"/>')
    if pod.bound is not None:
        out.append(_bar("bound", x2, x3, y))
    if pod.started is not None:
        out.append(_bar("runs", x3, x4, y))
    if pod.bound is None and pod.started is None:
        side, x, down = ("start", x4 + 8, 4) if x4 < WIDTH - 90 else ("end", x4 - 8, -3)
        out.append(f'<text class="small" text-anchor="{side}" x="{x:.1f}" y="{middle + down:.1f}">not bound</text>')
    out.append("</g>")
    return "".join(out) + _marks(pod.cites, middle, scale, marks)


def _bar(kind: str, x1: float, x2: float, y: int) -> str:
    width = max(x2 - x1, 2)
    return f'<rect class="{kind}" x="{x1:.1f}" y="{y + 4}" width="{width:.1f}" height="{LANE - 8}" rx="2"/>'


def sentence(pod: PodLane) -> str:
    """One pod's times in words, for the title of its lane."""
    said = [f"created at {pod.created:.1f} s"]
    said.append(f"bound to {pod.node} at {pod.bound:.1f} s" if pod.bound is not None else "never bound")
    said.append(f"started at {pod.started:.1f} s" if pod.started is not None else "never started")
    said.append(f"ended at {pod.ended:.1f} s" if pod.ended is not None else "not seen to end")
    return f"{pod.name} ({pod.role or 'no role'}): " + ", ".join(said)


def _marks(cites: Iterable[int], y: float, scale: Scale, marks: Mapping[int, Mark]) -> str:
    """Marks that would lie on each other become one, whose title names all and whose link leads to the first."""
    groups: list[list[Mark]] = []
    for mark in sorted((marks[s] for s in cites if s in marks), key=lambda m: (m.t, m.href)):
        if groups and scale.x(mark.t) - scale.x(groups[-1][-1].t) < 8:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return "".join(_mark(g, scale.x(g[0].t), y) for g in groups)


def _mark(group: list[Mark], x: float, y: float) -> str:
    """A ring for what a clause rests on, a cross in a disc for what a FAIL rests on."""
    fails = [m for m in group if m.fails]
    title = "; ".join(m.title for m in group[:8]) + (f"; and {len(group) - 8} more" if len(group) > 8 else "")
    cross = f'<path d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"/>' if fails else ""
    return (
        f'<a href="#{escape((fails or group)[0].href)}" class="mark{" fails" if fails else ""}" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{6 if fails else 4.5}"/>{cross}</a>'
    )


def _short(text: str, most: int) -> str:
    """Names keep their ends: members of one group differ there."""
    return text if len(text) <= most else text[: most // 2 - 1] + "…" + text[-(most - most // 2) :]
