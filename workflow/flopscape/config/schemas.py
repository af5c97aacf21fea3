"""JSON Schemas of what people write: generated from the pydantic models, kept in workflow/schemas/ for editors."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from flopscape.config.bias import BiasSettings
from flopscape.config.study import Config, ImportedStudy, Study
from flopscape.files.outputs import write_text
from flopscape.files.shipped import workflow_files

MODELS: dict[str, TypeAdapter[Any]] = {
    "bias.schema.json": TypeAdapter(BiasSettings),
    "config.schema.json": TypeAdapter(Config),
    "study.schema.json": TypeAdapter(Study | ImportedStudy),
}


def schema_text(name: str) -> str:
    """The schema of one file as it should stand on disk."""
    return json.dumps(MODELS[name].json_schema(), indent=2) + "\n"


def schema_folder() -> Path:
    """Where the schemas stand among the workflow's files."""
    return workflow_files() / "workflow" / "schemas"


def drifted() -> list[str]:
    """Names of schemas on disk that differ from the models."""
    folder = schema_folder()
    return [n for n in MODELS if not (folder / n).is_file() or (folder / n).read_text() != schema_text(n)]


def write_schemas() -> None:
    """Write all schemas."""
    for name in MODELS:
        write_text(schema_folder() / name, schema_text(name))
