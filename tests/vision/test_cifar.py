"""CIFAR through torchvision, from a small archive in its own format, which torchvision itself unpacks and checks."""

import hashlib
import json
import pickle
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import prepare_dataset, read_manifest
from flopscape.plugins.vision import CIFAR10, CIFAR100
from flopscape.training.command import train

torchvision = pytest.importorskip("torchvision", reason="needs the extra vision: make test-vision")

N_BATCH = 40
LABELS = {"CIFAR10": "labels", "CIFAR100": "fine_labels"}
CLASSES = {"CIFAR10": 10, "CIFAR100": 100}


def pixels(n, seed):
    """Pixels [n, 3072] as the archive has them, channel by channel, lighter for higher classes; and classes."""
    labels = np.arange(n) % 10
    noise = np.random.default_rng(seed).integers(60, size=(n, 3 * 32 * 32))
    return (noise + 19 * labels[:, None]).astype(np.uint8), labels.tolist()


@pytest.fixture
def server(tmp_path):
    """Address of a server on this machine that serves the test's own folder."""
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


@pytest.fixture
def archive(tmp_path, server, monkeypatch):
    """Make torchvision download a small archive of `name` from this machine instead of its own from another."""

    def make(name):
        kind = getattr(torchvision.datasets, name)
        folder = tmp_path / "original" / kind.base_folder
        folder.mkdir(parents=True)
        sums = {}
        for seed, file in enumerate([file for file, _ in kind.train_list + kind.test_list]):
            data, labels = pixels(N_BATCH, seed)
            sums[file] = _write(folder / file, {"data": data, LABELS[name]: labels})
        meta = _write(folder / kind.meta["filename"], {kind.meta["key"]: list(map(str, range(CLASSES[name])))})
        packed = tmp_path / kind.filename
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(folder, kind.base_folder)
        monkeypatch.setattr(kind, "train_list", [[file, sums[file]] for file, _ in kind.train_list])
        monkeypatch.setattr(kind, "test_list", [[file, sums[file]] for file, _ in kind.test_list])
        monkeypatch.setattr(kind, "meta", kind.meta | {"md5": meta})
        monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(packed.read_bytes()).hexdigest())
        monkeypatch.setattr(kind, "url", f"{server}/{kind.filename}")
        return kind

    return make


def _write(path, content):
    path.write_bytes(pickle.dumps(content, protocol=2))
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("plugin", [CIFAR10, CIFAR100])
def test_pixels_and_classes_are_those_of_the_archive(archive, tmp_path, plugin):
    kind = archive(plugin.__name__)
    manifest = prepare_dataset({"plugin": f"flopscape.plugins.vision:{plugin.__name__}"}, tmp_path / "data")
    n_train = N_BATCH * len(kind.train_list)
    assert manifest.n_units == {"train": n_train, "heldout": N_BATCH}
    assert manifest.notes["image_shape"] == [3, 32, 32]
    expected, labels = pixels(N_BATCH, seed=len(kind.train_list))
    assert (np.load(tmp_path / "data/heldout_images.npy").reshape(N_BATCH, -1) == expected).all()
    assert np.load(tmp_path / "data/heldout_labels.npy").tolist() == labels


def test_an_archive_is_downloaded_once_into_a_folder_that_is_named(archive, tmp_path, monkeypatch):
    kind = archive("CIFAR10")
    dataset = CIFAR10(root=str(tmp_path / "root"))
    first = dataset.arrays()
    monkeypatch.setattr(kind, "url", f"{kind.url}.gone")
    assert (dataset.arrays()["train"][0] == first["train"][0]).all()
    with pytest.raises(FlopscapeError, match="can neither be read nor downloaded"):
        CIFAR10().arrays()


def test_a_damaged_archive_is_named(archive, tmp_path):
    archive("CIFAR10")
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"short")
    with pytest.raises(FlopscapeError, match=r"torchvision\.datasets\.CIFAR10: can neither be read nor downloaded"):
        CIFAR10().arrays()


def test_a_vit_trains_on_cifar(archive, tmp_path):
    archive("CIFAR10")
    dataset = {"plugin": "flopscape.plugins.vision:CIFAR10"}
    prepare_dataset(dataset, tmp_path / "data")
    spec = {
        "model": {"plugin": "flopscape.plugins.vit:ViT", "kwargs": {"image_shape": [3, 32, 32], "patch": 8}},
        "size": {"width": 16, "depth": 1},
        "dataset": dataset,
        "loss": {"plugin": "flopscape.plugins.losses:Classification"},
        "n_tokens": 20 * 100,
        "seed": 0,
        "recipe": 1,
        "training": {"batch_units": 20, "heldout_units": 0, "curve_points": 4},
    }
    record = train(spec, tmp_path / "run.json", tmp_path / "data")
    assert record.unit == "image"
    assert record.loss < np.log(10) - 0.2
    assert json.loads((tmp_path / "run.json").read_text())["data_hash"] == read_manifest(tmp_path / "data").data_hash
