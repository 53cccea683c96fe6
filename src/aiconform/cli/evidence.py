"""`aiconform evidence`: pack, sign, unpack and verify a run, so that its evidence can travel."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from aiconform.cli import output
from aiconform.cli.errors import usage
from aiconform.cli.suite import judging_suite

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Evidence that travels: archives and signatures.")

RunDir = Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")]
Key = Annotated[Path | None, typer.Option("--key", help="Sign with this private key (PEM).", metavar="FILE")]
Signer = Annotated[
    str, typer.Option("--signer", help="How the signer calls themselves, such as a name and address.", metavar="NAME")
]
PasswordEnv = Annotated[
    str, typer.Option("--password-env", help="Environment variable with the key's password.", metavar="VARIABLE")
]


@app.command("keygen")
def keygen(
    path: Annotated[Path, typer.Argument(help="File of the private key; the public one gets .pub.", metavar="FILE")],
    kind: Annotated[str, typer.Option("--type", help="ed25519 or ecdsa.", metavar="TYPE")] = "ed25519",
    password_env: PasswordEnv = "",
) -> None:
    """Make a key pair for signing. Keep FILE to yourself, and give FILE.pub to those who verify."""
    from aiconform.evidence import signing

    if kind not in signing.KINDS:
        raise usage(f"--type knows {' and '.join(signing.KINDS)}, not {kind!r}")
    print(signing.keygen(path, kind, _password(password_env)))
    output.say(f"private key: {path} (mode 0600); public key: {path}.pub")


@app.command("sign")
def sign(
    directory: RunDir,
    key: Key = None,
    keyless: Annotated[
        bool, typer.Option("--keyless", help="Sign through sigstore, online, as your CI job or by a browser.")
    ] = False,
    signer: Signer = "",
    password_env: PasswordEnv = "",
) -> None:
    """Sign a run: in-toto statements over its seal, written into attestations/. Earlier ones are replaced."""
    _sign(directory, key, keyless, signer, password_env)


@app.command("pack")
def pack(
    directory: RunDir,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The archive (.tar.gz or .tar). Default: aiconform-ID.tar.gz.", metavar="FILE"
        ),
    ] = None,
    key: Key = None,
    keyless: Annotated[bool, typer.Option("--keyless", help="Sign through sigstore first.")] = False,
    signer: Signer = "",
    password_env: PasswordEnv = "",
) -> None:
    """Pack a sealed run into one file, signed first if --key or --keyless is given. Equal runs, equal bytes."""
    from aiconform.engine.judge import load_run_info
    from aiconform.evidence import archive

    run = load_run_info(directory)
    if key or keyless:
        _sign(directory, key, keyless, signer, password_env)
    print(archive.pack(directory, file or Path(f"aiconform-{run.id}.tar.gz"), run_id=run.id))


@app.command("unpack")
def unpack(
    file: Annotated[Path, typer.Argument(help="An archive of evidence.", metavar="FILE")],
    directory: Annotated[Path, typer.Argument(help="The folder to make.", metavar="DIR")],
) -> int:
    """Unpack an archive into a new folder, and say if it was changed since the run (exit 3)."""
    from aiconform.cli.errors import BROKEN
    from aiconform.evidence import archive, seal

    archive.unpack(file, directory)
    print(directory)
    problems = seal.verify(directory / "recorded")
    for problem in problems:
        output.say(f"unpack: {problem}")
    output.say(f"`aiconform judge {directory}` judges it again; `aiconform evidence verify` checks signatures, too")
    return BROKEN if problems else 0


@app.command("verify")
def verify(
    target: Annotated[Path, typer.Argument(help="An archive, or a run's folder.", metavar="FILE|RUN")],
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="A public key (PEM) that you trust; repeatable.", metavar="FILE")
    ] = None,
    identity: Annotated[
        str,
        typer.Option("--identity", help="The sigstore identity that you trust: an address or a URI.", metavar="NAME"),
    ] = "",
    issuer: Annotated[str, typer.Option("--issuer", help="Who vouches for that identity.", metavar="URL")] = "",
    form: Annotated[str, typer.Option("--output", "-o", help="table, json or yaml.", metavar="FORMAT")] = "table",
) -> int:
    """Check seal and signatures offline, judge again, and say who ran what, when, with which suite.

    Exit 0 if all agrees; 3 if anything was altered, the verdicts differ, or nobody you trust has signed.
    """
    from aiconform.cli.errors import BROKEN
    from aiconform.engine import attest
    from aiconform.evidence import archive, signing

    output.check_format(form, ("table", "json", "yaml"))
    if issuer and not identity:
        raise usage("--issuer says who vouches for --identity: give both")
    trust = attest.Trust(keys=tuple(signing.load_public(k) for k in key or ()), identity=identity, issuer=issuer)
    if target.is_dir():
        found = attest.check(target, judged_by=judging_suite(), trust=trust)
    else:
        with tempfile.TemporaryDirectory(prefix="aiconform-") as scratch:
            folder = archive.unpack(target, Path(scratch) / "run")
            found = attest.check(folder, judged_by=judging_suite(), trust=trust)
    _show(found, form)
    return BROKEN if found.problems else 0


def _show(found: object, form: str) -> None:
    from aiconform.engine.attest import Checked

    assert isinstance(found, Checked)
    if form != "table":
        output.dump(found, form)
        return
    for key, value in found.about.items():
        if isinstance(value, dict):
            print(f"{key}:", *(f"  {k}: {v}" for k, v in value.items()), sep="\n")
        elif value not in ("", None):
            print(f"{key.replace('_', ' ')}: {value}")
    for note in found.notes:
        output.say(f"note: {note}")
    for problem in found.problems:
        output.say(f"verify: {problem}")
    if not found.problems:
        print("unchanged since the run; judged again, same outcomes")


def _sign(directory: Path, key: Path | None, keyless: bool, signer: str, password_env: str) -> None:
    from aiconform.engine import attest
    from aiconform.evidence import signing

    if (key is None) == (not keyless):
        raise usage("sign with --key FILE or with --keyless: one of them")
    private = signing.load_private(key, _password(password_env)) if key else None
    token = os.environ.get("AICONFORM_OIDC_TOKEN", "")
    for path in attest.sign(directory, judged_by=judging_suite(), key=private, token=token, signer=signer):
        output.say(f"signed: {path}")


def _password(name: str) -> bytes:
    if not name:
        return b""
    if not os.environ.get(name):
        raise usage(f"--password-env: the environment has no variable {name}, or it is empty")
    return os.environ[name].encode()
