"""Data sets by their names: real data, known facts, names that are refused."""

from collections import Counter

import numpy as np
import pytest
import torch

from spectral_core import data
from spectral_core.data.prepared import KEYS
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.torchvision_import import import_torchvision


@pytest.mark.slow
def test_facts_agree_with_those_that_torchvision_states():
    datasets = import_torchvision().datasets
    cifar = datasets.CIFAR10
    batches = dict(cifar.train_list + cifar.test_list)
    batches[cifar.meta["filename"]] = cifar.meta["md5"]
    assert RAW_DATA["cifar10"].md5 == batches
    assert RAW_DATA["cifar10"].folder == cifar.base_folder
    assert RAW_DATA["cifar10"].archive == (cifar.filename, cifar.tgz_md5)
    for name, reader in (("mnist", datasets.MNIST), ("fashion-mnist", datasets.FashionMNIST)):
        published = [file_name.removesuffix(".gz") for file_name, _ in reader.resources]
        assert sorted(published) == sorted(RAW_DATA[name].md5)
        assert set(RAW_DATA[name].addresses) == set(reader.mirrors)
        assert RAW_DATA[name].folder == f"{reader.__name__}/raw"
    assert RAW_DATA["cifar10"].addresses == (cifar.url,)
    assert list(RAW_DATA["fashion-mnist"].classes) == datasets.FashionMNIST.classes


def samples(inputs, targets) -> Counter:
    return Counter((int(t), tuple(row)) for t, row in zip(targets, inputs.tolist(), strict=True))


def test_digits_are_split_once_and_for_all(home):
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    assert digits.train_inputs.shape == (1437, 64) and digits.test_inputs.shape == (360, 64)
    assert (RAW_DATA["digits"].images, RAW_DATA["digits"].pixels) == (1437, 64)
    assert (digits.class_count, digits.input_features, digits.source) == (10, 64, "scikit-learn")
    assert digits.train_inputs.min() == 0 and digits.train_inputs.max() == 1
    pixels, targets = load_digits(return_X_y=True)
    train = samples(digits.train_inputs * 16, digits.train_targets)
    test = samples(digits.test_inputs * 16, digits.test_targets)
    assert train + test == samples(pixels, targets)
    share = np.bincount(targets) * 360 / 1797
    assert np.abs(digits.test_targets.bincount().numpy() - share).max() < 1
    data.dataset._load.cache_clear()
    assert torch.equal(data.load("digits").train_inputs, digits.train_inputs)
    assert not home.exists(), "the digits need no data directory"


@pytest.mark.parametrize(
    ("name", "mean", "deviation"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)]
)
@pytest.mark.slow
def test_real_images(name, mean, deviation):
    if not next(row for row in data.available() if row.name == name).checksums_ok:
        pytest.skip(f"{name} is not on this machine; SPECTRAL_CORE_DATA_PATH may point to it")
    loaded = data.load(name)
    assert (RAW_DATA[name].images, RAW_DATA[name].pixels) == loaded.train_inputs.shape
    assert loaded.train_inputs.shape == (60000, 784) and loaded.test_inputs.shape == (10000, 784)
    # The mean and standard deviation of the training pixels that the literature normalises by.
    assert loaded.train_inputs.mean().item() == pytest.approx(mean, abs=1e-4)
    assert loaded.train_inputs.std().item() == pytest.approx(deviation, abs=1e-4)
    assert set(loaded.train_targets.tolist()) == set(range(10))
    if name == "fashion-mnist":
        assert loaded.test_targets.bincount().tolist() == [1000] * 10


def test_moved_data_set_is_on_the_device_and_shares_what_is_there_already():
    digits = data.load("digits")
    same, moved = digits.to("cpu"), digits.to("meta")
    for part in KEYS:
        assert getattr(same, part) is getattr(digits, part)
        assert getattr(moved, part).device.type == "meta"
        assert getattr(moved, part).shape == getattr(digits, part).shape
    assert (moved.name, moved.classes) == (digits.name, digits.classes)
