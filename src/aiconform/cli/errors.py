"""Exit codes, and how an error reaches the user: one sentence on stderr, never a traceback."""

import sys
from typing import NoReturn

PASSED, FAILED, UNKNOWN, BROKEN, USAGE = 0, 1, 2, 3, 64


class Problem(Exception):
    """Something that ends a command. `code` is the exit code, the message says what, where and what to do."""

    def __init__(self, message: str, code: int = BROKEN) -> None:
        super().__init__(message)
        self.code = code


def usage(message: str) -> Problem:
    """A wrong argument (exit 64)."""
    return Problem(message, USAGE)


def leave(problem: Problem) -> NoReturn:
    """Prints the problem and ends the program."""
    print(f"aiconform: {problem}", file=sys.stderr)
    raise SystemExit(problem.code)
