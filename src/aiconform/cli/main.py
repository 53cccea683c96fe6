"""Entry point: the app, and the one place where errors become exit codes."""

import os
import sys

import typer

from aiconform import __version__
from aiconform.cli import (
    clean,
    evidence,
    explain,
    images,
    judge,
    lab,
    observe,
    plan,
    product,
    rbac,
    report,
    run,
    survey,
    verify,
)
from aiconform.cli.errors import BROKEN, USAGE, Problem, leave
from aiconform.cli.known import KNOWN_ERRORS, USAGE_ERRORS

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


app.command("run")(run.run)
app.command("survey")(survey.survey)
app.command("plan")(plan.plan)
app.command("observe")(observe.observe)
app.command("judge")(judge.judge)
app.command("report")(report.report)
app.command("verify")(verify.verify)
app.command("clean")(clean.clean)
app.command("explain")(explain.explain)
app.command("rbac")(rbac.rbac)
app.command("images")(images.images)
app.command("product")(product.product)
app.add_typer(evidence.app, name="evidence")
app.add_typer(lab.app, name="lab")


def main() -> None:
    """Runs the program. Every known error is one sentence on stderr."""
    try:
        result = app(standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except typer.Abort:
        leave(Problem("stopped", BROKEN))
    except typer.TyperException as error:
        leave(Problem(f"{_text(error).rstrip('.')} (see --help)", USAGE))
    except Problem as problem:
        leave(problem)
    except USAGE_ERRORS as error:
        leave(Problem(str(error), USAGE))
    except KNOWN_ERRORS as error:
        leave(Problem(str(error), BROKEN))
    except KeyboardInterrupt:
        leave(Problem("stopped", BROKEN))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        leave(Problem(f"{what}; check the path, its permissions and the free space", BROKEN))


def _text(error: typer.TyperException) -> str:
    message = getattr(error, "format_message", None)
    return str(message() if message else error)


if __name__ == "__main__":
    main()
