"""`--operator FILE`: descriptions of operators that no adapter knows, and what is said of bad ones."""

from pathlib import Path

import pytest

from aiconform.cli.errors import Problem
from aiconform.cli.settings import make_options
from aiconform.engine import registry

TOY = registry.folder("robust_controller") / "faults" / "toy.yml"


def test_a_sound_description_is_taken() -> None:
    (operator,) = make_options(operators=[TOY]).operators
    assert operator.name == "toy" and operator.makes[0].plural == "pods"


def test_it_may_stand_in_the_settings_file(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("operators:\n  - " + TOY.read_text().split("\n", 1)[1].replace("\n", "\n    "))
    assert [o.name for o in make_options(config=config).operators] == ["toy"]
    assert [o.name for o in make_options(config=config, operators=[TOY]).operators] == ["toy", "toy"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("name: toy", "name: 1"), "does not describe an operator"),
        (("pods: 2", "pods: 0"), "`pods` must be at least 1"),
        (("${image}", "${picture}"), "${picture} is unknown"),
        (("own_pods:", "their_pods:"), "there is no field 'their_pods'"),
        (("name: toy", "name: [toy"), "is no YAML"),
    ],
)
def test_a_bad_one_is_refused_in_a_sentence(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(TOY.read_text().replace(*change, 1))
    with pytest.raises(Problem) as raised:
        make_options(operators=[file])
    assert says in str(raised.value) and str(file) in str(raised.value)
    assert raised.value.code == 64


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        make_options(operators=[tmp_path / "none.yaml"])
