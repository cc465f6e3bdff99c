"""Features of a frozen MobileNetV2: the same as torchvision's own, kept on disk, taken up again."""

import hashlib

import pytest
import torch
from made_images import FILES, write

from spectral_core import data
from spectral_core.data import backbone, features, prepared
from spectral_core.data.backbone import Backbone
from spectral_core.data.places import Places
from spectral_core.data.torchvision_import import import_torchvision

RESOLUTION = 96


@pytest.fixture(scope="module")
def network():
    """A MobileNetV2 with random weights and statistics."""
    torch.manual_seed(0)
    made = import_torchvision().models.mobilenet_v2()
    made.train()
    with torch.no_grad():
        made(torch.rand(8, 3, RESOLUTION, RESOLUTION))  # moves the statistics off their start
    return made.eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(network.state_dict(), file)
    return file


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTRAL_CORE_DATA", str(tmp_path / "home"))
    monkeypatch.delenv("SPECTRAL_CORE_DATA_PATH", raising=False)
    return Places.chosen()


def by_torchvision(network, pixels, pooling, mean, deviation):
    """Features by torchvision's own modules, from images in [0, 1], (n, 3, 96, 96)."""
    with torch.inference_mode():
        maps = network.features((pixels - mean) / deviation)
    return maps.amax((2, 3)) if pooling == "max" else maps.mean((2, 3))


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("normalisation", ["imagenet", "symmetric"])
def test_features_are_those_of_torchvisions_network(
    network, weights, places, pooling, normalisation
):
    checksum = backbone.identify(weights)
    settings = Backbone(checksum, normalisation, pooling=pooling)
    pixels = torch.rand(5, 3, RESOLUTION, RESOLUTION)
    means = {"imagenet": (0.485, 0.456, 0.406), "symmetric": (0.5,) * 3}
    deviations = {"imagenet": (0.229, 0.224, 0.225), "symmetric": (0.5,) * 3}
    mean, deviation = (
        torch.tensor(values[normalisation])[:, None, None] for values in (means, deviations)
    )
    found = backbone.extractor(settings, places)(pixels)
    expected = by_torchvision(network, pixels, pooling, mean, deviation)
    assert found.shape == (5, 1280) and found.min() >= 0 and found.max() <= 6
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_backbone_is_known_by_weights_normalisation_resolution_and_pooling(weights):
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    assert str(Backbone.of(weights)) == f"mobilenet_v2-{checksum}-imagenet-96-max"
    assert str(Backbone.of("imagenet", "mean")) == "mobilenet_v2-b0353104-imagenet-96-mean"
    assert Backbone.of("067cfda5").normalisation == "symmetric"
    for made in (Backbone.of(weights), Backbone("00000000", "symmetric", 224, "mean")):
        assert Backbone.parse(str(made)) == made
    for text in (
        "mobilenet_v2",
        "resnet-b0353104-imagenet-96-max",
        "mobilenet_v2-b-imagenet-x-max",
    ):
        with pytest.raises(ValueError, match="backbone must be like"):
            Backbone.parse(text)


def test_file_of_weights_must_be_there_and_be_a_state_dict_of_the_network(
    network, places, tmp_path
):
    with pytest.raises(ValueError, match="backbone_weights must be 'imagenet', or a file"):
        backbone.identify(tmp_path / "none.pth")
    state = network.state_dict()
    fewer = {key: value for key, value in state.items() if key != "features.0.0.weight"}
    other = state | {"features.0.0.weight": torch.zeros(3)}
    for content, said in [
        (fewer, r"lacks 1 entries, first '0\.0\.weight'"),
        (other, "size mismatch"),
        ([1], "which holds a list"),
        (network, "which cannot be read as tensors alone"),  # a pickled module could run code
    ]:
        file = tmp_path / "bad.pth"
        torch.save(content, file)
        with pytest.raises(ValueError, match=said) as caught:
            backbone.extractor(Backbone.of(file), places)
        assert "must be a state dict of torchvision's mobilenet_v2" in str(caught.value)


def test_weights_are_found_by_their_checksum_in_the_search_path(
    weights, places, tmp_path, monkeypatch
):
    checksum = backbone.identify(weights)
    monkeypatch.setattr(backbone, "_given", {})
    (tmp_path / "shared").mkdir()
    copy = tmp_path / "shared" / "mobilenet_v2_of_ours.pth"
    copy.write_bytes(weights.read_bytes())
    monkeypatch.setenv("SPECTRAL_CORE_DATA_PATH", str(tmp_path / "shared"))
    assert backbone._weights_file(checksum, Places.chosen()) == copy
    with pytest.raises(data.DataNotFoundError, match="--backbone-weights") as caught:
        backbone._weights_file("00000000", Places.chosen())
    assert str(tmp_path / "shared") in str(caught.value)


def test_download_with_another_checksum_is_refused_and_a_right_one_is_kept(places, monkeypatch):
    monkeypatch.setattr(backbone, "get", lambda url: b"weights")
    with pytest.raises(data.DataNotFoundError, match="SHA-256 of the content is"):
        backbone._weights_file(backbone.IMAGENET, places)
    assert not list(places.data_dir.rglob("*.pth"))
    checksum = hashlib.sha256(b"weights").hexdigest()[:8]
    models = import_torchvision().models

    class Known:
        url = f"https://example.org/mobilenet_v2-{checksum}.pth"

    monkeypatch.setattr(models, "MobileNet_V2_Weights", [Known])
    assert backbone._weights_file(checksum, places).read_bytes() == b"weights"


def test_run_that_was_stopped_goes_on_from_its_last_whole_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "FEATURE_COUNT", 3)
    monkeypatch.setattr(features, "BATCH", 4)
    monkeypatch.setattr(features, "_BYTES", 4 * 3 * 4)
    images = [torch.full((1, 2, 2), i / 32) for i in range(18)]
    seen = []

    def extract(batch):
        seen.append(len(batch))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return batch.mean((2, 3))

    monkeypatch.setattr(features.joblib, "cpu_count", lambda: 1)
    part = tmp_path / "part"
    with pytest.raises(KeyboardInterrupt):
        features.features(images, extract, 2, part)
    assert part.stat().st_size == 2 * features._BYTES
    with open(part, "ab") as file:
        file.write(b"half a row")
    del seen[:]
    found = features.features(images, lambda b: seen.append(len(b)) or b.mean((2, 3)), 2, part)
    assert sorted(seen) == [2, 4, 4]
    torch.testing.assert_close(found, (torch.arange(18.0) / 32)[:, None].expand(-1, 3))


def test_data_set_of_features_is_made_once_and_has_the_images_labels(
    weights, places, tmp_path, monkeypatch
):
    folder = write(tmp_path / "mine", FILES)
    name = data.complete_name(f"imagefolder:{folder}", "max", str(weights))
    loaded = data.load(name)
    assert loaded.train_inputs.shape == (4, 1280) and loaded.test_inputs.shape == (2, 1280)
    assert loaded.train_targets.tolist() == [0, 1, 1, 1] and loaded.name == name
    monkeypatch.setattr(prepared, "_make", None)  # calling it would fail
    data.dataset._load.cache_clear()
    again = data.load(name)
    assert torch.equal(again.train_inputs, loaded.train_inputs)
    assert [file.name for file in (places.data_dir / "prepared").glob("*.part")] == []


def test_damaged_data_set_is_named(weights, places, tmp_path):
    folder = write(tmp_path / "mine", FILES)
    name = data.load(f"imagefolder:{folder}").name
    (file,) = (places.data_dir / "prepared").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    data.dataset._load.cache_clear()
    with pytest.raises(RuntimeError, match=r"must be whole; .* Delete it to prepare it again"):
        data.load(name)


def test_features_of_any_data_set_can_be_taken(weights, places, monkeypatch):
    made = []

    def few(images, extract, resolution, part):
        made.append(len(images))
        return extract(torch.stack([features.resized(images[i], resolution) for i in range(2)]))

    monkeypatch.setattr(prepared, "features", few)
    found = data.load(data.complete_name("digits", "mean", str(weights)))
    assert made == [1437, 360] and found.train_inputs.shape == (2, 1280)
    assert found.checksums == data.load("digits").checksums
    grey = features.resized(torch.rand(1, 8, 8), 32)
    assert grey.shape == (3, 32, 32) and torch.equal(grey[0], grey[2])
    coloured = features.resized(torch.full((3, 5, 9), 51, dtype=torch.uint8), 4)
    torch.testing.assert_close(coloured, torch.full((3, 4, 4), 0.2))
