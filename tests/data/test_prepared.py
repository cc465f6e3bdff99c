"""Features of a frozen MobileNetV2 are torchvision's; what is prepared proves itself."""

import hashlib

import pytest
import torch
from made_files import flip
from made_images import FILES, picture, write

from spectral_core import data
from spectral_core.data import backbone, dataset, prepared
from spectral_core.data.backbone import Backbone
from spectral_core.data.directories import Directories
from spectral_core.data.torchvision_import import import_torchvision

RESOLUTION = 96


@pytest.fixture(scope="module")
def network():
    """A MobileNetV2 with random weights and statistics."""
    torch.manual_seed(0)
    made = import_torchvision().models.mobilenet_v2().train()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # statistics of this batch, so that features are not all tiny
    with torch.no_grad():
        made(torch.rand(8, 3, RESOLUTION, RESOLUTION))
    return made.eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(network.state_dict(), file)
    return file


@pytest.mark.parametrize(
    ("pooling", "normalisation", "mean", "deviation"),
    [
        ("max", "imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("mean", "symmetric", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ],
)
def test_features_are_those_of_torchvisions_network(
    network, weights, home, pooling, normalisation, mean, deviation
):
    settings = Backbone(backbone.identify(weights), normalisation, pooling=pooling)
    pixels = torch.rand(5, 3, RESOLUTION, RESOLUTION)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (mean, deviation))
    with torch.inference_mode():
        maps = network.features((pixels - mean) / deviation)
    expected = maps.amax((2, 3)) if pooling == "max" else maps.mean((2, 3))
    actual = backbone.extractor(settings, Directories.chosen())(pixels)
    assert actual.shape == (5, 1280) and actual.min() >= 0 and 0.1 < actual.max() <= 6
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_backbone_is_known_by_weights_normalisation_resolution_and_pooling(weights):
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    assert str(Backbone.of(weights)) == f"mobilenet_v2-{checksum}-imagenet-96-max"
    assert str(Backbone.of("imagenet", "mean")) == "mobilenet_v2-b0353104-imagenet-96-mean"
    assert Backbone.of("067cfda5").normalisation == "symmetric"
    for made in (Backbone.of(weights), Backbone("00000000", "symmetric", 224, "mean")):
        assert Backbone.parse(str(made)) == made
    for text in ("resnet-b0353104-imagenet-96-max", "mobilenet_v2-b-imagenet-x-max"):
        with pytest.raises(ValueError, match="backbone must be like"):
            Backbone.parse(text)


def test_file_of_weights_must_be_there_and_be_a_state_dict_of_the_network(network, home, tmp_path):
    with pytest.raises(ValueError, match="backbone_weights must be 'imagenet', or a file"):
        backbone.identify(tmp_path / "none.pth")
    state = network.state_dict()
    fewer = {key: value for key, value in state.items() if key != "features.0.0.weight"}
    other = state | {"features.0.0.weight": torch.zeros(3)}
    for content, reason in [
        (fewer, r'Missing key.*"0\.0\.weight"'),
        (other, "size mismatch"),
        ([1], "which holds a list"),
        (network, "which cannot be read as tensors alone"),  # a pickled module could run code
    ]:
        file = tmp_path / "bad.pth"
        torch.save(content, file)
        with pytest.raises(ValueError, match=f"(?s)state dict of torchvision's .*{reason}"):
            backbone.extractor(Backbone.of(file), Directories.chosen())


def test_weights_are_found_by_their_checksum_in_the_search_path(
    weights, home, tmp_path, monkeypatch
):
    checksum = backbone.identify(weights)
    monkeypatch.setattr(backbone, "_given", {})
    shared = write(tmp_path / "shared", {"mobilenet_v2_of_ours.pth": weights.read_bytes()})
    monkeypatch.setenv("SPECTRAL_CORE_DATA_PATH", str(shared))
    found = backbone._weights_file(checksum, Directories.chosen())
    assert found == shared / "mobilenet_v2_of_ours.pth"
    with pytest.raises(data.DataNotFoundError, match=f"--backbone-weights.*{shared}"):
        backbone._weights_file("00000000", Directories.chosen())


def test_download_with_another_checksum_is_refused(home, monkeypatch):
    directories = Directories.chosen()
    monkeypatch.setattr(backbone, "get", lambda url: b"weights")
    with pytest.raises(data.DataNotFoundError, match="SHA-256 of the download is"):
        backbone._weights_file(backbone.IMAGENET, directories)
    assert not list(home.rglob("*.pth"))
    url = import_torchvision().models.MobileNet_V2_Weights.IMAGENET1K_V1.url
    assert url == f"{backbone.ADDRESS}mobilenet_v2-{backbone.IMAGENET}.pth"
    checksum = hashlib.sha256(b"weights").hexdigest()[:8]
    assert backbone._weights_file(checksum, directories).read_bytes() == b"weights"


def reload(name):
    dataset._load.cache_clear()
    return data.load(name)


@pytest.fixture
def mine(home, tmp_path):
    """A small data set of images, prepared, and the file that holds it."""
    made = data.load(f"imagefolder:{write(tmp_path / 'mine', FILES)}")
    return made, home / "prepared" / f"{made.name}.safetensors"


def assert_equal(actual, expected):
    for key in prepared.KEYS:
        assert torch.equal(getattr(actual, key), getattr(expected, key)), key
    assert (actual.classes, actual.source) == (expected.classes, expected.source)


def test_data_set_of_features_is_made_once_and_has_the_images_labels(
    weights, home, tmp_path, monkeypatch
):
    folder = write(tmp_path / "mine", FILES)
    name = data.complete_name(f"imagefolder:{folder}", "max", str(weights))
    loaded = data.load(name)
    assert loaded.train_inputs.shape == (4, 1280) and loaded.test_inputs.shape == (2, 1280)
    assert loaded.train_targets.tolist() == [0, 1, 1, 1] and loaded.name == name
    assert not loaded.train_inputs.is_inference(), "networks can be trained on it"
    monkeypatch.setattr(prepared, "_make", None)  # calling it would fail
    assert torch.equal(reload(name).train_inputs, loaded.train_inputs)


def test_damaged_file_is_named_and_made_again(mine, caplog):
    made, file = mine
    whole = file.read_bytes()
    for position in range(0, len(whole), 67):
        file.write_bytes(flip(whole, position))
        caplog.clear()
        assert_equal(reload(made.name), made)
        assert file.read_bytes() == whole
        assert len(caplog.records) == 1 and str(file) in caplog.text
    for damaged in (b"", whole[:100], whole[:-1], whole + b"0"):
        file.write_bytes(damaged)
        assert_equal(reload(made.name), made)


def test_file_has_the_usual_permissions_and_one_of_another_data_set_is_made_again(mine, tmp_path):
    made, file = mine
    (tmp_path / "usual").touch()
    assert file.stat().st_mode == (tmp_path / "usual").stat().st_mode
    write(tmp_path / "other", {**FILES, "train/cat/1.png": picture(9)})
    other = data.load(f"imagefolder:{tmp_path / 'other'}").name
    file.write_bytes(file.with_name(f"{other}.safetensors").read_bytes())
    assert_equal(reload(made.name), made)


def test_extraction_goes_on_after_an_interruption_or_a_damage(home, monkeypatch, weights):
    """Features stand for themselves: the first 1280 values of an image, which costs nothing."""
    taken = []

    def start_over(stop_at):
        def extract(batch):
            taken.append(len(batch))
            if sum(taken) > stop_at:
                raise KeyboardInterrupt
            return batch.flatten(1)[:, -1280:].clone()

        taken.clear()
        dataset._load.cache_clear()
        monkeypatch.setattr(prepared, "extractor", lambda *_: extract)

    monkeypatch.setattr(prepared, "BLOCK", 320)
    monkeypatch.setattr(prepared.joblib, "cpu_count", lambda: 1)
    name = data.complete_name("digits", "max", str(weights))
    digits = data.load("digits")
    start_over(stop_at=1000)
    with pytest.raises(KeyboardInterrupt):
        data.load(name)
    blocks = sorted(home.glob("prepared/*.blocks/train/*.safetensors"))
    assert [block.stem for block in blocks] == ["0", "320", "640"]
    whole = blocks[1].read_bytes()
    blocks[1].write_bytes(flip(whole, -1))
    blocks[2].write_bytes(blocks[0].read_bytes())
    start_over(stop_at=10**9)
    loaded = data.load(name)
    assert sum(taken) == 1437 - 320 + 360, "one good block is not made again"
    images = digits.train_inputs.view(-1, 1, 8, 8)
    for row in (0, 319, 320, 1436):
        expected = backbone.resized(images[row], RESOLUTION).flatten()[-1280:]
        assert torch.equal(loaded.train_inputs[row], expected)
    assert loaded.checksums == digits.checksums
    assert torch.equal(loaded.test_targets, digits.test_targets)
    assert not list(home.glob("prepared/*.blocks"))


def test_images_are_resized_to_three_channels_and_a_square():
    grey = backbone.resized(torch.rand(1, 8, 8), 32)
    assert grey.shape == (3, 32, 32) and torch.equal(grey[0], grey[2])
    coloured = backbone.resized(torch.full((3, 5, 9), 51, dtype=torch.uint8), 4)
    torch.testing.assert_close(coloured, torch.full((3, 4, 4), 0.2))
