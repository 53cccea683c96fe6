"""What was changed in a file, as a unified diff. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Sequence

_AROUND = 3
# In one document: comparing takes time by the square of the changes.
_MOST_LINES = 20_000

# As difflib has them: "equal", "replace", "delete" or "insert", begin and end before, begin and end after.
_Code = tuple[str, int, int, int, int]


class _ByParts(difflib.SequenceMatcher[str]):
    """Compares part by part: thousands of small documents take no longer than their sum."""

    def __init__(self, parts: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        super().__init__()
        self._codes: list[_Code] = []
        i = j = 0
        for old, new in parts:
            for tag, i1, i2, j1, j2 in _codes(old, new):
                self._take((tag, i + i1, i + i2, j + j1, j + j2))
            i, j = i + len(old), j + len(new)

    def _take(self, code: _Code) -> None:
        before = self._codes[-1] if self._codes else None
        if before and before[0] == code[0] == "equal":
            self._codes[-1] = ("equal", before[1], code[2], before[3], code[4])
        else:
            self._codes.append(code)

    def get_opcodes(self) -> list[_Code]:  # type: ignore[override]
        """Those of all parts as of one text."""
        return self._codes


def _codes(old: Sequence[str], new: Sequence[str]) -> Iterable[_Code]:
    if old == new:
        return [("equal", 0, len(old), 0, len(new))]
    return difflib.SequenceMatcher(None, old, new).get_opcodes()


def unified(name: str, parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The lines of a diff; none if nothing was changed. `parts`: (before, after), each of whole lines."""
    if all(old == new for old, new in parts):
        return
    yield f"--- a/{name}\n+++ b/{name}\n"
    lines = [(_lines(old), _lines(new)) for old, new in parts]
    if any(old != new and len(old) + len(new) > _MOST_LINES for old, new in lines):
        yield "(too long to compare: every edit is listed)\n"
        return
    before, after = [n for old, _ in lines for n in old], [n for _, new in lines for n in new]
    for group in _ByParts(lines).get_grouped_opcodes(_AROUND):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in before[i1:i2])
            else:
                yield from (_line("-", line) for line in before[i1:i2])
                yield from (_line("+", line) for line in after[j1:j2])


def _lines(text: str) -> list[str]:
    """Only at \\n, as `patch` does: str.splitlines knows many more ends of lines."""
    found = [line + "\n" for line in text.split("\n")]
    found[-1] = found[-1].removesuffix("\n")
    return found if found[-1] else found[:-1]


def _range(begin: int, end: int) -> str:
    length = end - begin
    return str(begin + 1) if length == 1 else f"{begin + 1 if length else begin},{length}"


def _line(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
