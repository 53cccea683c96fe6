"""Files of manifests: their documents, the Kubernetes objects in them, and the files again after edits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiconform.porting import textedit, yamltree
from aiconform.porting.errors import PortError
from aiconform.porting.textedit import Op, Path

MOST_BYTES = 16 * 2**20
_BOM = "\ufeff"


@dataclass(eq=False)
class Document:
    """One document of a file. `added` are new documents that go behind it; `dropped` leaves it out."""

    text: str
    line: int
    data: Any
    ops: list[Op] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    dropped: bool = False


@dataclass(eq=False)
class File:
    """A file with its documents. `head` is what stands before the first of them."""

    name: str
    head: str
    documents: list[Document]

    @property
    def json(self) -> bool:
        return len(self.documents) == 1 and yamltree.is_json(self.documents[0].text)

    def rendered(self) -> list[tuple[str, str]]:
        """The file part by part, before and after its edits: a part ends where a document does. Raises PortError."""
        newline = "\r\n" if any("\r\n" in part for part in (self.head, *(d.text for d in self.documents))) else "\n"
        parts, head = [], self.head
        for d in self.documents:
            new = "" if d.dropped else self._edited(d)
            for added in d.added:
                new += "" if not new or new.endswith("\n") else newline
                new += ("---\n" + textedit.document(added)).replace("\n", newline)
            parts.append((head + d.text, head + new))
            head = ""
        return parts or [(head, head)]

    def _edited(self, d: Document) -> str:
        return textedit.apply(d.text, d.ops, f"{self.name}, line {d.line + 1}") if d.ops else d.text


@dataclass(frozen=True, eq=False)
class Object:
    """A Kubernetes object. `prefix` is where it is in its document: an item of a List has one."""

    file: File
    document: Document
    prefix: Path
    data: dict[str, Any]
    edits: list[Op] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def api(self) -> str:
        return str(self.data["apiVersion"])

    @property
    def group(self) -> str:
        return self.api.rpartition("/")[0]

    @property
    def metadata(self) -> dict[str, Any]:
        return mapping(self.data.get("metadata"))

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        """As it is written, "" where nothing is."""
        return str(self.metadata.get("namespace") or "")

    @property
    def label(self) -> str:
        """For people: "Job train (train.yaml)"."""
        return f"{self.kind} {self.name} ({self.file.name})"

    def edit(self, op: Op) -> None:
        """Notes a change, once; the path of `op` begins at the object."""
        if op not in self.edits:
            self.edits.append(op)
            self.document.ops.append(Op(action=op.action, path=(*self.prefix, *op.path), value=op.value))


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one: what a manifest holds may be anything."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def read(name: str, data: bytes) -> File:
    """A file's documents. Raises PortError, one sentence, for whatever is no YAML of Kubernetes objects."""
    if len(data) > MOST_BYTES:
        raise PortError(f"{name}: over {MOST_BYTES // 2**20} MiB are too much to read at once; split it")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise PortError(f"{name}: it is no UTF-8 text; save it as UTF-8") from None
    bom = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    trees = yamltree.parse(text, name)
    ends = [*(t.start for t in trees[1:]), len(text)][: len(trees)]
    documents = [
        Document(text=text[t.start : end], line=t.line, data=yamltree.plain(t.root, name) if t.root else None)
        for t, end in zip(trees, ends, strict=True)
    ]
    return File(name=name, head=bom + text[: trees[0].start if trees else len(text)], documents=documents)


def objects(files: Iterable[File]) -> list[Object]:
    """Every object of the files, items of Lists one by one. Raises PortError for documents that are none."""
    return [o for f in files for d in f.documents if d.data is not None for o in _objects(f, d)]


def _objects(file: File, document: Document) -> Iterator[Object]:
    where = f"{file.name}, line {document.line + 1}"
    found: list[tuple[Path, Any]] = [((), document.data)]
    while found:
        prefix, data = found.pop(0)
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str) or "apiVersion" not in data:
            raise PortError(f"{where}: this is no Kubernetes object: it has no apiVersion and kind{_what(data)}")
        if data["kind"].endswith("List") and isinstance(data.get("items"), list):
            found = [((*prefix, "items", n), i) for n, i in enumerate(data["items"])] + found
            continue
        if str(data["apiVersion"]).startswith("kustomize.config.k8s.io/"):
            raise PortError(f"{where}: a {data['kind']} is no workload; render it first (kubectl kustomize DIR)")
        yield Object(file, document, prefix, data)


def _what(data: Any) -> str:
    if isinstance(data, dict) and ("services" in data or "version" in data):
        return " (a Compose or values file?)"
    return ""
