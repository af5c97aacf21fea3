"""The extra `vision` where it is not installed: a sentence, and constraints that differ in torch alone."""

import subprocess
import sys

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.vision import CIFAR10, CIFAR100


@pytest.mark.parametrize("plugin", [CIFAR10, CIFAR100])
def test_without_torchvision_preparing_says_what_to_install(plugin, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(FlopscapeError, match=r"torchvision cannot be imported .* pip install 'flopscape\[vision\]'"):
        plugin().arrays()


def test_describing_cifar_imports_no_torch():
    code = "import sys; from flopscape.plugins.vision import CIFAR10; CIFAR10().train_units(); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_versions_for_torchvision_differ_in_torch_alone(root):
    ordinary, vision = (
        {line for line in (root / "envs" / name).read_text().splitlines() if line and not line.startswith("#")}
        for name in ("constraints.txt", "constraints-vision.txt")
    )
    assert {line.partition("==")[0] for line in ordinary ^ vision} == {"torch", "torchvision"}
