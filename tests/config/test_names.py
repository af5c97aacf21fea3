"""Names of studies are text on every way in, whatever number they look like."""

import pytest
from snakemake.cli import parse_config

from flopscape.config.read import TEXTS, config_as_written, validate
from flopscape.config.study import Config
from flopscape.config.yaml12 import load_yaml

NAMES = ["007", "1e3", "no", "2026_11_26", "True", "1_0", "inf", "0x10"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("written", ["studies={}", "studies='{}'", "studies=[{}]", "studies={},"])
def test_a_name_on_the_command_line_is_text(name, written):
    words = [written.format(name)]
    config = config_as_written({"studies": ["kjv-gpt"]} | parse_config(words), {"studies": ["kjv-gpt"]}, words)
    assert validate(Config, config, "--config").studies == [name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("written", ["studies: [{}]", "studies: {}", "studies:\n- {}", "studies: ['{}']"])
def test_a_name_in_a_file_is_text(tmp_path, name, written):
    file = tmp_path / "config.yaml"
    file.write_text(written.format(name))
    config = config_as_written({"studies": "as Snakemake reads it"}, load_yaml(file, TEXTS), [])
    assert validate(Config, config, "config.yaml").studies == [name]


def test_the_command_line_counts_more_than_files_and_leaves_other_keys_alone():
    words = ["studies=007", "data_mirror=1e3"]
    read = {"studies": ["quick"], "prices": {"usd_per_gpu_hour": 2}, "data_mirror": None}
    assert config_as_written({**read, **parse_config(words)}, read, words) == {
        "studies": "007",
        "prices": {"usd_per_gpu_hour": 2},
        "data_mirror": "1e3",
    }


def test_no_name_is_an_empty_list():
    assert validate(Config, {"studies": parse_config(["studies="])["studies"]}, "--config").studies == []
