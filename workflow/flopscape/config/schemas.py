"""JSON Schemas of what people write: generated from the pydantic models, kept in workflow/schemas/ for editors."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from flopscape.config.bias import BiasSettings
from flopscape.config.study import Config, ImportedStudy, Study
from flopscape.files.outputs import write_text

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
MODELS: dict[str, TypeAdapter[Any]] = {
    "bias.schema.json": TypeAdapter(BiasSettings),
    "config.schema.json": TypeAdapter(Config),
    "study.schema.json": TypeAdapter(Study | ImportedStudy),
}


def schema_text(name: str) -> str:
    """The schema of one file as it should stand on disk."""
    return json.dumps(MODELS[name].json_schema(), indent=2) + "\n"


def drifted(folder: Path = FOLDER) -> list[str]:
    """Names of schemas on disk that differ from the models."""
    return [n for n in MODELS if not (folder / n).is_file() or (folder / n).read_text() != schema_text(n)]


def write_schemas(folder: Path = FOLDER) -> None:
    """Write all schemas."""
    for name in MODELS:
        write_text(folder / name, schema_text(name))
