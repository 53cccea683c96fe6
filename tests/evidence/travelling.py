"""A small sealed run on disk, made by the same code that writes real ones."""

from pathlib import Path

from aiconform.evidence import Recorder, seal
from aiconform.evidence.run_files import write_json
from aiconform.model import FORMAT, Begin, Ending, Inventory, Options, Run, Suite

SUITE = Suite(version="0.1.0", commit="3f2c9ab")
ATTEMPT = "gang_scheduling.native"


def make_run(folder: Path, *, run_id: str = "k3x9") -> Path:
    """One attempt that could not be tried (so it judges as UNKNOWN), with a blob, sealed."""
    recorded = folder / "recorded"
    recorded.mkdir(parents=True)
    run = Run(
        id=run_id, at="2026-01-02T10:00:00Z", platform="example", context="prod", server_version="v1.37.1",
        checklist="v1.37", suite=SUITE, options=Options(only=("gang_scheduling",)), attempts=(ATTEMPT,),
    )  # fmt: skip
    inventory = Inventory(server_version="v1.37.1", platform="example", apis=(), nodes=(), accelerators=())
    write_json(recorded / "run.json", run)
    write_json(recorded / "inventory.json", inventory)
    begin = Begin(
        format=FORMAT, run=run_id, check="gang_scheduling", via="native", suite=SUITE,
        settings={"deadlines": {}}, facts={}, at="2026-01-02T10:00:00Z",
    )  # fmt: skip
    with Recorder.create(recorded, begin, ATTEMPT) as recorder:
        recorder.observe("note", "long", {"text": "x" * 70_000})
        recorder.observe("unable", "plan", {"code": "mechanism-not-found", "because": "there is none"})
        recorder.finish(Ending(how="complete", at="2026-01-02T10:00:01Z", t=1.0))
    seal.write(recorded)
    return folder


def change(path: Path, old: bytes, new: bytes) -> None:
    """Changes a file, which must hold `old`."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
