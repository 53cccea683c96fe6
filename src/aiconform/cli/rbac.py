"""`aiconform rbac`: the least permissions for a plan."""

from typing import Annotated

import msgspec
import typer
import yaml

from aiconform.cli import settings as s
from aiconform.cli.errors import usage
from aiconform.cli.output import check_format
from aiconform.cli.pulling import PullSecret, image_rules, planned


def rbac(
    only: s.Only = None,
    skip: s.Skip = None,
    checklist: s.ChecklistVersion = "",
    mechanism: s.Mechanisms = None,
    pull_secret: PullSecret = "",
    user: Annotated[str, typer.Option("--user", help="Bind the roles to this user, too.", metavar="NAME")] = "",
    group: Annotated[str, typer.Option("--group", help="Bind the roles to this group, too.", metavar="NAME")] = "",
    account: Annotated[
        str, typer.Option("--service-account", help="Bind the roles to this ServiceAccount, too.", metavar="NS/NAME")
    ] = "",
    form: Annotated[str, typer.Option("--output", "-o", help="yaml or json.", metavar="FORMAT")] = "yaml",
) -> int:
    """Print the least roles for a run of these checks: `aiconform rbac | kubectl apply -f -`. Needs no cluster.

    Discovery and /version are read, too; Kubernetes allows that to everybody who is logged in.
    """
    from aiconform.engine import rbac as engine

    check_format(form, ("yaml", "json"))
    subjects: dict[engine.Subject, str] = {"User": user, "Group": group, "ServiceAccount": account}
    if account and len(account.split("/")) != 2:
        raise usage(f"--service-account is named NAMESPACE/NAME, not {account!r}")
    image_rules(pull_secret=pull_secret)
    options = s.make_options(only=only, skip=skip, checklist=checklist, mechanism=mechanism)
    checks = planned(options)
    roles = engine.roles(engine.needs(checks, options), pull_secret=pull_secret)
    bound = [b for kind, name in subjects.items() if name for b in engine.bindings(roles, kind, name)]
    if form == "json":
        items = [*(r.as_dict() for r in roles), *bound]
        whole = {"apiVersion": "v1", "kind": "List", "items": items}
        print(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())
    else:
        print(f"# The least roles for a run of: {', '.join(checks) or 'no check, the survey alone'}")
        documents = [engine.as_yaml(roles), *(yaml.safe_dump(b, sort_keys=False) for b in bound)]
        print("---\n".join(documents), end="")
    return 0
