"""Entry point: the app, and the one place where errors become exit codes."""

import gc
import os
import sys
from importlib import import_module
from typing import Any

import typer

from aiconform import __version__
from aiconform.cli import known
from aiconform.cli.errors import BROKEN, USAGE, Problem, leave

# Command -> module below aiconform.cli and what it holds: a function, or an app with subcommands. In the help's order.
COMMANDS = {
    "run": "run:run",
    "survey": "survey:survey",
    "plan": "plan:plan",
    "observe": "observe:observe",
    "judge": "judge:judge",
    "report": "report:report",
    "verify": "verify:verify",
    "compare": "compare:compare",
    "clean": "clean:clean",
    "explain": "explain:explain",
    "rbac": "rbac:rbac",
    "images": "images:images",
    "port": "port:port",
    "product": "product:product",
    "submission": "submission:app",
    "registry": "registry:app",
    "evidence": "evidence:app",
    "lab": "lab:app",
}

app = typer.Typer(
    name="aiconform",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Proves the CNCF Kubernetes AI Conformance requirements on a live cluster, and keeps the evidence.\n\n"
    "Exit codes: 0 every MUST passed; 1 a MUST failed; 2 none failed, some are unknown; "
    "3 aiconform itself could not work; 64 wrong usage.",
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Options of every command."""
    if version:
        print(f"aiconform {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(USAGE)


def add_commands(arguments: list[str]) -> None:
    """Adds the command that is asked for, or all of them: none must wait for the imports of another."""
    wanted = next((a for a in arguments if not a.startswith("-")), "")
    for name in (wanted,) if wanted in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found: Any = getattr(import_module(f"aiconform.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)


def main() -> None:
    """Runs the program. Every known error is one sentence on stderr."""
    try:
        add_commands(sys.argv[1:])
        # What was imported stays: the collector need not look at it, nor so often at the few cycles of a short program.
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 20, 20)
        result = app(standalone_mode=False)
    except typer.Abort:
        leave(Problem("stopped", BROKEN))
    except typer.TyperException as error:
        leave(Problem(f"{_text(error).rstrip('.')} (see --help)", USAGE))
    except Problem as problem:
        leave(problem)
    except known.usage_errors() as error:
        leave(Problem(str(error), USAGE))
    except known.errors() as error:
        leave(Problem(str(error), BROKEN))
    except KeyboardInterrupt:
        leave(Problem("stopped", BROKEN))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        leave(Problem(f"{what}; check the path, its permissions and the free space", BROKEN))
    sys.exit(result if isinstance(result, int) else 0)


def _text(error: typer.TyperException) -> str:
    message = getattr(error, "format_message", None)
    return str(message() if message else error)


if __name__ == "__main__":
    main()
