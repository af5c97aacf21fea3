"""JSON Schemas as an editor uses them: shipped files are accepted, wrong ones are marked, every key is described."""

import json

import jsonschema
import pytest

from flopscape.config.schemas import MODELS, drifted
from flopscape.config.yaml12 import load_yaml
from tests.conftest import ROOT

STUDIES = [*sorted((ROOT / "config/studies").glob("*.yaml")), ROOT / "examples/gated-convolution.yaml"]


def schema(name):
    return json.loads((ROOT / "workflow/schemas" / name).read_text())


def is_marked(name, data):
    return not jsonschema.Draft202012Validator(schema(name)).is_valid(data)


def test_generated_schemas_are_current():
    assert drifted() == []


@pytest.mark.parametrize("name", MODELS)
def test_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_study_is_accepted_by_its_schema_and_names_it(path):
    assert not is_marked("study.schema.json", load_yaml(path))
    named = path.read_text().split("yaml-language-server: $schema=")[1].splitlines()[0]
    assert (path.parent / named).resolve() == ROOT / "workflow/schemas/study.schema.json"


def test_the_shipped_configs_are_accepted_by_their_schemas():
    assert not is_marked("config.schema.json", load_yaml(ROOT / "config/config.yaml"))
    assert not is_marked("config.schema.json", {"studies": "quick"})
    assert not is_marked("bias.schema.json", load_yaml(ROOT / "config/bias.yaml"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sweep", "isoflop", "budgets", 0), "1e12"),
        (("sweep", "isoflop", "budgets", 0), 1e12),
        (("sweep", "isoflop", "seeds"), [0, 3]),
        (("sweep", "isoflop", "seeds"), "1_0"),
        (("fits", 0), "approach3-lad"),
        (("fits", 0), {"name": "a", "method": "approach3", "delta": "scaled"}),
        (("fits", 0), {"name": "a", "method": "mine.method", "knob": 3}),
        (("strict",), True),
    ],
)
def test_other_ways_to_write_a_value_are_accepted(path, value):
    assert not is_marked("study.schema.json", quick_with(path, value))


def test_an_import_may_name_its_runs_by_a_text_or_a_list():
    study = load_yaml(ROOT / "config/studies/chinchilla.yaml")
    for run_id in ("n_params,lr,seed", ["n_params", "lr"]):
        assert not is_marked(
            "study.schema.json", study | {"runs": {"table": "a.csv", "run_id": run_id, "lowest": True}}
        )
    assert is_marked("study.schema.json", study | {"runs": {"table": "a.csv", "run_id": 7}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sweep", "isoflop", "budgets", 0), "1e12x"),
        (("sweep", "isoflop", "budgets", 0), True),
        (("sweep", "isoflop", "budgets", 0), -1e12),
        (("sweep", "isoflop", "seeds"), 0.5),
        (("fits", 0), 3),
        (("fits", 0), {"name": "a", "method": "approach2", "rule": "hull"}),
        (("fits", 0), {"name": "a", "method": "approach3", "objective": "hubber"}),
        (("fits", 0), {"name": "a", "method": "vpnls", "wieghts": "seeds"}),
        (("title",), 2026),
        (("trainng",), {}),
        (("training",), {"learning_rate": True}),
        (("resources",), {"minutes": "1:30:00"}),
    ],
)
def test_a_wrong_study_is_marked(path, value):
    assert is_marked("study.schema.json", quick_with(path, value))


def quick_with(path, value):
    """The study `quick` with one value changed."""
    study = load_yaml(ROOT / "config/studies/quick.yaml")
    *parents, last = path
    place = study
    for key in parents:
        place = place[key]
    place[last] = value
    return study


@pytest.mark.parametrize("name", MODELS)
def test_every_key_of_every_schema_has_a_description(name):
    assert list(undescribed(schema(name), name)) == []


def undescribed(node, place):
    """Keys without a description, anywhere in a schema."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        if key == "properties":
            yield from (f"{place}/{name}" for name, known in part.items() if not known.get("description"))
        yield from undescribed(part, f"{place}/{key}")
