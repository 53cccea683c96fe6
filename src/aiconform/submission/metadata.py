"""The gate's rules for metadata. Pure."""

import re
from collections.abc import Iterator

from aiconform.report.product_yaml import OPTIONAL, REQUIRED
from aiconform.submission.parse import Submission, Value, snake
from aiconform.submission.remark import Remark, error, unknown

CONFORMANCE_URL = re.compile(r"https://github\.com/cncf/k8s-conformance/tree/(?:master|main)/(v\d+\.\d+)/([^/]+)/?")


def check(submission: Submission, members: frozenset[str] | None) -> Iterator[Remark]:
    """Errors of metadata, and of the vendor's membership. `members` is None if nobody looked."""
    if submission.metadata is None:
        yield error(
            "metadata-missing",
            "there is no metadata",
            "begin with the official checklist file",
            submission.metadata_mark,
        )
        return
    for name in (*REQUIRED, *OPTIONAL):
        value = submission.field(name)
        if value is None:
            if name in REQUIRED:
                yield _missing(submission, name)
        elif found := _wrong(name, value):
            rule, message, remedy = found
            yield error(rule, message, remedy, value.mark)
    vendor = submission.field("vendorName")
    name = vendor.text.strip() if vendor and vendor.kind == "text" else ""
    if vendor is None or not name:
        return
    if members is None:
        said = f"vendorName {name!r} was not looked up in the CNCF landscape"
        yield unknown("members-not-looked-up", said, "give --members FILE, or use --online", vendor.mark)
    elif name not in members:
        said = f"vendorName {name!r} is no CNCF member in the landscape{_like(name, members)}"
        remedy = "write the name exactly as https://landscape.cncf.io/members has it"
        yield error("not-a-member", said, remedy, vendor.mark)


def _missing(submission: Submission, name: str) -> Remark:
    outside = submission.outside.get(name) or submission.outside.get(snake(name))
    remedy = f"move it below metadata: it stands in line {outside.line}" if outside else f'add `{name}: "..."`'
    return error("field-missing", f"metadata has no {name}", remedy, submission.metadata_mark)


def _wrong(name: str, value: Value) -> tuple[str, str, str] | None:
    if value.kind != "text":
        what = f"the {value.kind} {value.text} and no text" if value.text else f"a {value.kind} and no text"
        return "field-no-text", f"{name} is {what}", f'put it in quotes: `{name}: "{value.text or "..."}"`'
    if not value.text:
        return ("field-empty", f"{name} is empty", "write its value") if name in REQUIRED else None
    if value.text.startswith("[") and value.text.endswith("]"):
        return "field-placeholder", f"{name} still holds the placeholder {value.text}", "write its value"
    if name == "k8sConformanceUrl" and not CONFORMANCE_URL.fullmatch(value.text):
        form = "https://github.com/cncf/k8s-conformance/tree/master/vX.Y/PRODUCT"
        return "k8s-conformance-url", f"k8sConformanceUrl {value.text!r} has another form", f"write it as {form}"
    return None


def _like(name: str, members: frozenset[str]) -> str:
    """A member that differs only in case, blanks or signs."""

    def bare(text: str) -> str:
        return re.sub(r"[\W_]+", "", text).lower()

    found = next((m for m in sorted(members) if bare(m) == bare(name)), None)
    return f", which has {found!r}" if found else ""
