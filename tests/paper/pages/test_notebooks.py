"""Notebooks: their parameters, their two forms in step, and runs that are whole or not at all."""

import ast
import json
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import jupytext
import made_images
import nbformat
import papermill
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory

import spectral_core
from spectral_core.paper import paths
from spectral_core.paper.pages import kernels, notebooks
from spectral_core.paper.pages.notebooks import NotebookFailed, execute, execute_all
from spectral_core.paper.study.figures import FIGURES

ROOT = paths.project()
SOURCES = notebooks.sources()
LONG = {"theory"}  # its code is the lesson


@pytest.fixture(scope="module", autouse=True)
def forked():
    """What is executed here starts without importing PyTorch once more."""
    with kernels.forked():
        yield


@pytest.fixture(params=SOURCES.values(), ids=SOURCES.keys())
def source(request):
    return request.param


# The project's notebooks


def test_every_figure_has_a_notebook_and_takes_every_setting():
    assert {*FIGURES, "fig01", "fig02", "fig05", "fig03_by_hand"} <= set(SOURCES)
    wanted = {"preset", "panels", "dataset", "activation", "hidden", "seeds", "device", "workers"}
    for figure in FIGURES:
        assert {*wanted, "settings"} == set(notebooks.declared_parameters(SOURCES[figure]))


def test_parameters_are_at_most_ten_lines_of_plain_values(source):
    tagged = [
        c for c in nbformat.read(source, 4).cells if "parameters" in c.metadata.get("tags", ())
    ]
    assert len(tagged) <= 1
    for cell in tagged:
        lines = cell.source.splitlines()
        names, values = zip(*(line.split(" = ", 1) for line in lines))
        assert len(lines) <= 10 and len(list(map(ast.literal_eval, values))) == len(lines)
        assert notebooks.declared_parameters(source) == list(names)


def test_notebook_and_its_text_are_one_short_page_without_outputs(source):
    notebook, text = nbformat.read(source, 4), source.with_suffix(".md")
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"  # for any Python
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        # No bar over its code.
        assert not {"hide-input", "hide-cell", "hide-output"} & set(cell.metadata.get("tags", ()))
    forms = [jupytext.read(file).cells for file in (source, text)]
    one, other = ([(c.cell_type, c.source, dict(c.metadata)) for c in cells] for cells in forms)
    assert one == other
    body = text.read_text(encoding="utf-8").split("\n---\n", 1)[1]
    assert source.stem in LONG or len(body.splitlines()) <= 100
    assert not machine_paths(source.read_text(encoding="utf-8")) + machine_paths(body)


def test_notebooks_repeat_little_of_each_other():
    """At most a tenth of all lines is prose or code that stands in three notebooks or more."""
    markup = re.compile(
        r"(---|```.*|:tags:.*|tags:.*|mystnb:|kernelspec:.*|  .*(figure|name|caption):.*|\W*)$"
    )
    files = [source.with_suffix(".md") for source in SOURCES.values()]
    pages = [file.read_text(encoding="utf-8").splitlines() for file in files]
    pages_with = Counter(line for lines in pages for line in set(lines) if not markup.match(line))
    repeated = sum(pages_with[line] >= 3 for lines in pages for line in lines)
    assert repeated <= 0.1 * sum(map(len, pages))


@pytest.mark.parametrize(("departure_nodes", "arrival_nodes"), [(6, 1), (2, 5)])
def test_equations_of_the_theory_hold_for_other_shapes(departure_nodes, arrival_nodes):
    shape = {"departure_nodes": departure_nodes, "arrival_nodes": arrival_nodes, "seed": 3}
    cells = [c for c in nbformat.read(SOURCES["theory"], 4).cells if c.cell_type == "code"]
    for cell in cells:  # but those that train on the digits, or set the shape
        if "group_lasso" not in cell.source and "parameters" not in cell.metadata.get("tags", ()):
            exec(cell.source, shape)
    assert len(shape["checked"]) > 10


# A notebook of four cells, in a project of its own


@pytest.fixture
def tiny(project):
    """Name of a notebook with the parameters ``count`` and ``word``; it fails from 5 on. It names a
    place of this machine."""
    cells = [
        "count = 1  # below 5\nword = 'a'  # any",
        "print(word * count)",
        "import sys\nprint(sys.executable, file=sys.stderr)",
        "assert count < 5, 'too many'",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=list(map(nbformat.v4.new_code_cell, cells)),
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    (project / "notebooks").mkdir()
    nbformat.write(notebook, project / "notebooks" / "tiny.ipynb")
    return "tiny"


@pytest.fixture
def refused(monkeypatch):
    """Nothing is executed from here on: what would be is an error."""

    def refuse(*_, **__):
        raise RuntimeError("executed")

    return lambda: monkeypatch.setattr(papermill, "execute_notebook", refuse)


def outputs(file):
    cells = nbformat.read(file, 4).cells
    streams = [o for c in cells if c.cell_type == "code" for o in c.outputs if "text" in o]
    return [o.text for o in streams if o.name == "stdout"]


def machine_paths(text):
    """Places of this machine that a text names."""
    places = {ROOT, Path.home(), Path(sys.prefix), Path(sys.base_prefix), tempfile.gettempdir()}
    return [place for place in map(str, places) if place != "/" and f"{place}/" in text]


@pytest.mark.slow
def test_executed_whole_or_not_at_all(tiny, tmp_path, refused):
    folder = tmp_path / "made"
    made = execute(tiny, {"count": 2, "word": "ab"}, folder, progress=False)
    assert made == folder / "tiny.ipynb" and outputs(made) == ["abab\n"]
    first = made.read_bytes()
    assert json.loads(first)["metadata"]["parameters"] == {"count": 2, "word": "ab"}
    assert not machine_paths(first.decode()) and str(tmp_path) not in first.decode()

    # A failing cell: the error is named, the old result stays, nothing else is there.
    with pytest.raises(NotebookFailed, match=r"tiny.ipynb, cell \d+: AssertionError: too many"):
        execute(tiny, {"count": 5}, folder, progress=False)
    assert made.read_bytes() == first and list(folder.iterdir()) == [made]

    # The same again is not executed again.
    refused()
    assert execute(tiny, {"count": 2, "word": "ab"}, folder, progress=False) == made
    for changed in ({"count": 3, "word": "ab"}, None):
        with pytest.raises(RuntimeError, match="executed"):
            execute(tiny, changed, folder, progress=False)


@pytest.mark.slow
def test_what_a_notebook_depends_on_makes_it_out_of_date(
    tiny, project, tmp_path, monkeypatch, refused
):
    package = project / "spectral_core"
    (package / "pages").mkdir(parents=True)
    (package / "pages" / "a.py").touch()
    monkeypatch.setattr(spectral_core, "__file__", str(package / "__init__.py"))
    source = project / "notebooks" / "tiny.ipynb"
    text = source.read_text()
    folder = tmp_path / "made"
    made = execute(tiny, None, folder, progress=False)
    refused()
    assert execute(tiny, None, folder) == made

    def out_of_date(file, text="x = 1"):
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_bytes() if file.exists() else None
        file.write_text(text)
        try:
            execute(tiny, None, folder, progress=False)
        except RuntimeError as error:
            return str(error) == "executed"
        else:
            return False
        finally:
            file.unlink() if before is None else file.write_bytes(before)

    assert out_of_date(source, text.replace("too many", "far too many"))
    for name in ("results/published/fig03/a.csv", "results/choices/a.json", "benchmarks/a.json"):
        assert out_of_date(project / name)
    assert out_of_date(project / "book/claims.csv") and out_of_date(package / "pages" / "a.py")
    assert not out_of_date(project / "results/local/cut/a.json")
    assert out_of_date(made, "{")
    without_outputs = nbformat.read(made, 4)
    without_outputs.cells[0].execution_count = None
    assert out_of_date(made, nbformat.writes(without_outputs))


@pytest.mark.slow
def test_images_and_places_are_those_of_the_one_who_gives_the_command(
    tiny, tmp_path, monkeypatch, refused
):
    made_images.write(tmp_path / "images", made_images.FILES)
    monkeypatch.chdir(tmp_path)
    given = {"word": "imagefolder:images"}
    whole = {"word": f"imagefolder:{tmp_path / 'images'}"}
    assert notebooks._located({"settings": given}, []) == {"settings": whole}
    made = execute(tiny, given, tmp_path / "made", progress=False)
    assert outputs(made) == [f"{whole['word']}\n"]
    refused()
    assert execute(tiny, whole, tmp_path / "made") == made
    (tmp_path / "images/train/cat/1.png").write_bytes(made_images.picture(9))
    with pytest.raises(RuntimeError, match="executed"):
        execute(tiny, given, tmp_path / "made", progress=False)
    monkeypatch.setenv("A", os.pathsep.join(["images", "~/b", ""]))
    paths.make_absolute("A", several=True)
    assert os.environ["A"] == os.pathsep.join([str(tmp_path / "images"), "~/b"])
    monkeypatch.setenv("A", f"one{os.pathsep}folder")
    paths.make_absolute("A")
    assert os.environ["A"] == str(tmp_path / f"one{os.pathsep}folder")


@pytest.mark.slow
def test_side_by_side_as_alone_and_a_failure_is_named(tiny, project, tmp_path):
    source = project / "notebooks" / "tiny.ipynb"
    for name in ("other", "third"):
        source.with_name(f"{name}.ipynb").write_bytes(source.read_bytes())
    with pytest.raises(NotebookFailed, match=r"third.ipynb, cell \d+: AssertionError: too many"):
        execute_all({tiny: {}, "other": {"count": 2}, "third": {"count": 5}}, tmp_path, 2)
    made = execute_all({tiny: {}, "other": {"count": 2}}, tmp_path, 2)
    assert list(map(outputs, made)) == [["a\n"], ["aa\n"]]
    assert sorted(tmp_path.glob("*.ipynb")) == sorted(made)
    alone = execute(tiny, None, tmp_path / "alone", progress=False)
    assert made[0].read_text() == alone.read_text()


@pytest.mark.slow
def test_another_interpreters_kernel_of_that_name_is_not_used(tiny, tmp_path, monkeypatch):
    spec = {"argv": ["false", "{connection_file}"], "display_name": "Other", "language": "python"}
    file = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert outputs(execute(tiny, None, tmp_path / "made", progress=False)) == ["a\n"]
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "default_provisioner_name", "local-provisioner")
    monkeypatch.delattr(os, "fork")  # as on Windows
    assert outputs(execute(tiny, {"count": 3}, tmp_path / "made", progress=False)) == ["aaa\n"]


def test_prepared_copy_holds_the_parameters_and_no_output(tiny, project):
    source = project / "notebooks" / "tiny.ipynb"
    before = source.read_bytes()
    made = execute(tiny, {"count": 4}, prepare_only=True)
    assert made == project / "_prepared" / "tiny.ipynb" and outputs(made) == []
    assert any("count = 4" in cell.source for cell in nbformat.read(made, 4).cells)
    with pytest.raises(ValueError, match="folder must be another one"):
        execute(tiny, {"count": 2}, source.parent, prepare_only=True)
    assert source.read_bytes() == before


def test_undeclared_parameter_or_notebook_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"of tiny.ipynb must .*got 'cuont'.* mean 'count'\?"):
        execute(tiny, {"cuont": 2}, tmp_path / "made")
    with pytest.raises(ValueError, match=r"notebook must .*got 'tidy'. Did you mean 'tiny'\?"):
        execute("tidy", None, tmp_path / "made")
    assert not (tmp_path / "made").exists()
