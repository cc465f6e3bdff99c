"""Images of one's own: how a folder or an archive is read, named and refused."""

import os
import shutil

import pytest
import torch
from made_files import tar
from made_images import FILES, SIDE, picture, write
from odd_images import odd_images, outcome, survived

from spectral_core import data
from spectral_core.data import images


@pytest.fixture
def folder(tmp_path):
    others = {"train/notes.txt": b"not an image", "stray.png": b"x"}
    return write(tmp_path / "mine", FILES | others)


def test_folder_loads_as_pixels_classes_by_name_and_images_in_turn(folder, home):
    write(folder, {"train/ape/2.png": picture(7)})
    loaded = data.load(f"imagefolder:{folder}")
    assert loaded.train_inputs.shape == (5, 3 * SIDE * SIDE) and loaded.classes == ("ape", "cat")
    assert loaded.train_targets.tolist() == [0, 1, 0, 1, 1]
    assert loaded.test_targets.tolist() == [0, 1]
    assert (255 * loaded.train_inputs[:, 0]).round().tolist() == [4, 1, 7, 2, 3]
    first = torch.tensor([4, 8, 12]).repeat_interleave(SIDE * SIDE) / 255  # channel by channel
    torch.testing.assert_close(loaded.train_inputs[0], first)
    assert data.load(f"imagefolder:{folder}") is loaded
    assert data.load(loaded.name) is loaded and loaded.name.startswith("images-")
    assert str(folder) not in repr(loaded)


def test_name_follows_from_names_and_contents_not_from_the_place(folder, tmp_path):
    name = data.identify(f"imagefolder:{folder}")
    elsewhere = write(tmp_path / "elsewhere", FILES)
    more = FILES | {"val/cat/1.png": picture(8)}  # in no set
    packed = write(tmp_path, {"mine.tar.xz": tar(more, "w:xz")}) / "mine.tar.xz"
    assert data.identify(f"imagefolder:{elsewhere}") == name
    assert data.identify(f"imagefolder:{packed}") == name
    (elsewhere / "train/cat" / os.fsdecode(b"\xff.png")).write_bytes(picture(1))  # no UTF-8
    assert data.identify(f"imagefolder:{elsewhere}") != name
    (elsewhere / "train/cat" / os.fsdecode(b"\xff.png")).unlink()
    assert data.identify(name) == name
    (elsewhere / "train/cat/1.png").write_bytes(picture(9))
    changed = data.identify(f"imagefolder:{elsewhere}")
    (elsewhere / "train/cat/1.png").rename(elsewhere / "train/cat/0.png")
    assert len({name, changed, data.identify(f"imagefolder:{elsewhere}")}) == 3


def test_what_is_prepared_needs_its_folder_no_more(folder, home, monkeypatch):
    name = data.load(f"imagefolder:{folder}").name
    data.dataset._load.cache_clear()
    monkeypatch.setattr(images, "_given", {})
    assert len(data.load(name).train_targets) == 4
    with pytest.raises(data.DataNotFoundError, match="imagefolder:PATH"):
        data.load("images-0123456789ab")


def test_folder_that_changed_since_it_was_named_is_refused(folder, home):
    name = data.identify(f"imagefolder:{folder}")
    (folder / "train/cat/1.png").write_bytes(picture(9))
    with pytest.raises(data.DataNotFoundError, match="has changed since"):
        data.load(name)
    assert not list(home.rglob("*.safetensors"))


@pytest.mark.parametrize("coloured", ["train/cat/1.png", "test/ape/1.png"])
def test_one_coloured_image_makes_all_have_three_channels(folder, home, coloured):
    write(folder, {name: picture(7, "L") for name in FILES})
    grey = data.load(f"imagefolder:{folder}")
    assert grey.train_inputs.shape == (4, SIDE * SIDE) and len(grey.test_inputs.T) == SIDE * SIDE
    write(folder, {coloured: picture(7)})
    mixed = data.load(f"imagefolder:{folder}")
    for inputs, originals in (
        (mixed.train_inputs, grey.train_inputs),
        (mixed.test_inputs, grey.test_inputs),
    ):
        same = (inputs == originals.repeat(1, 3)).all(1)
        assert (~same).sum() == (coloured.startswith("train") == (inputs is mixed.train_inputs))


def test_links_to_files_and_folders_are_followed(folder, tmp_path):
    name = data.identify(f"imagefolder:{folder}")
    shutil.move(folder / "train/cat", tmp_path / "cats")
    (folder / "train/cat").symlink_to(tmp_path / "cats")
    (tmp_path / "cats/1.png").rename(tmp_path / "one")
    (tmp_path / "cats/1.png").symlink_to(tmp_path / "one")
    (tmp_path / "link").symlink_to(folder)
    assert data.identify(f"imagefolder:{tmp_path / 'link'}") == name


def test_path_must_be_a_folder_or_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "none", "/dev/zero"):
        with pytest.raises(ValueError, match="neither a folder nor a regular file"):
            data.identify(f"imagefolder:{path}")


@pytest.mark.filterwarnings("ignore:Truncated File Read|Tag data larger")
@pytest.mark.parametrize("odd", list(odd_images(seed=0)), ids=lambda odd: ascii(odd.name))
def test_odd_images_are_loaded_whole_or_refused_by_name(odd, tmp_path):
    came = outcome(odd, tmp_path)
    assert survived(odd, came), came
