"""Small submissions on disk, right in everything that the gate looks at, and ways to spoil them."""

from pathlib import Path

from aiconform.checklists import load
from aiconform.submission import checker
from aiconform.submission.remark import Remark

METADATA = """\
metadata:
  kubernetesVersion: v1.37
  platformName: "Example Platform"
  platformVersion: "4.2"
  vendorName: "Example"
  websiteUrl: "example.com"
  documentationUrl: "docs.example.com"
  productLogoUrl: "logo.svg"
  description: "An example."
  contactEmailAddress: "jo@example.com"
  k8sConformanceUrl: "https://github.com/cncf/k8s-conformance/tree/master/v1.37/example"
"""
JUNIT = """\
<testsuites><testsuite>
<testcase name="TestGangScheduling"/><testcase name="TestSecureAcceleratorAccess"/>
<testcase name="TestAcceleratorClusterAutoscaling"/><testcase name="own/gang"/>
<testcase name="skipped"><skipped/></testcase>
</testsuite></testsuites>
"""


def product_yaml(version: str = "v1.37", **rows: str) -> str:
    """The text; a row's lines behind its id can be given: `gang_scheduling="status: N/A"`, several with line breaks."""
    lines, last = [METADATA.replace("v1.37", version) + "spec:"], ""
    for r in load(version).requirements:
        if r.section != last:
            lines.append(f"  {r.section}:")
            last = r.section
        given = rows.get(r.id, 'status: "Implemented"\nevidence: ["junit.xml"]\nnotes: ""')
        lines += [f"    - id: {r.id}", f"      level: {r.level}", *(f"      {line}" for line in given.splitlines())]
    return "\n".join(lines) + "\n"


def write(root: Path, text: str, version: str = "v1.37", name: str = "example", junit: str = JUNIT) -> Path:
    """The product's folder below `root`, with a junit.xml in which everything passes. Returns the PRODUCT.yaml."""
    folder = root / version / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "junit.xml").write_text(junit)
    (folder / "PRODUCT.yaml").write_text(text)
    return folder / "PRODUCT.yaml"


def remarks(path: Path, asked: checker.Asked | None = None) -> list[Remark]:
    """Every remark but that nobody followed the links, which every right submission has."""
    found = next(iter(checker.check([path], asked or checker.Asked(advice=False, members=frozenset({"Example"})))))
    return [r for r in found.remarks if r.rule != "links-not-followed"]


def rules(path: Path, asked: checker.Asked | None = None) -> list[str]:
    """ "level rule row", sorted."""
    return sorted(f"{r.level} {r.rule} {r.row}".strip() for r in remarks(path, asked))
