"""Files of others are read, never executed, and lead to no place outside the data folder."""

import ast
import json
import pickle
import re
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from examples import SMALL
from release import PARAMS, ROOT, SLIDES, TRAIN, build, ends, replace

import augment
import evaluate
import prepare
import train
from nuclei.core import paths
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.training import models, networks

SRC = ROOT / "src"
pytestmark = pytest.mark.drill("crafted models, arrays and names: refused, nothing run")
EXECUTES = {"eval", "exec", "__import__", "load_model", "model_from_json", "read_pickle"}
EXECUTES |= {"system", "popen", "unsafe_load", "full_load", "enable_unsafe_deserialization"}
UNPICKLES = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal", "yaml"}
DESCRIPTION, WEIGHTS = Path("model.json"), Path("fold-1-repeat-0.weights.h5")
KERNEL = "layers/conv2d/vars/0"


class Touch:
    """Make a file when unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("pwned"),)


@pytest.mark.parametrize("name", sorted(p.relative_to(SRC).as_posix() for p in SRC.rglob("*.py")))
def test_no_source_unpickles_or_evaluates(name):
    for node in ast.walk(ast.parse((SRC / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not UNPICKLES & {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {name.name for name in node.names}
            # This function alone unpickles nothing: it names what Dask is to send by value.
            by_value = node.module == "cloudpickle" and names == {"register_pickle_by_value"}
            assert by_value or (node.module or "").split(".")[0] not in UNPICKLES
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.split(".")[-1] not in EXECUTES
            safe = {"np.load": ["allow_pickle=False"], "YAML": ["typ='safe'", "typ='rt'"]}
            if called in safe:
                assert any(words in ast.unparse(node) for words in safe[called]), node.lineno


@pytest.mark.parametrize("main", [augment.main, train.main])
@pytest.mark.parametrize("bare", [True, False])
def test_a_pickle_in_an_array_is_not_loaded(main, bare, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build()
    assert ends(prepare.main) is None
    crops = paths.PREPARED / "nuclei.npy"
    np.save(crops, np.array([Touch()]), allow_pickle=True)
    content = crops.read_bytes()
    pickle.loads(content[content.index(b"\x80") :])
    Path("pwned").unlink()  # so a reader that unpickles would have been seen
    paths.AUGMENTED.joinpath("none").mkdir(parents=True)
    crops.write_bytes(pickle.dumps(Touch()) if bare else content)
    words = ["none"] if main is augment.main else ["none", "1"]
    assert re.match(r"error: data/prepared/nuclei\.npy: not an array", ends(main, *words))
    assert not Path("pwned").exists()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Hold a model as train writes it."""
    folder = tmp_path_factory.mktemp("model")
    made = {"fold": 1, "repeat": 0, "seed": 1, "updates": 4, "of": 6, "validation_loss": 0.7}
    description = {"classes": CLASSES, "side": 16, "window_um": 16.0, "network": SMALL.model_dump()}
    description |= {"checkpoints": [made]}
    (folder / DESCRIPTION).write_text(json.dumps(description))
    networks.build(SMALL, 16, 3).save_weights(folder / WEIGHTS)
    assert models.load(folder).output_shape == (None, 3)
    return folder


def described(**changes):
    def change():
        values = json.loads(DESCRIPTION.read_text())
        network = changes.pop("network", {})
        DESCRIPTION.write_text(
            json.dumps(values | changes | {"network": values["network"] | network})
        )

    return change


def text(content):
    return lambda: DESCRIPTION.write_text(content)


def kernel(make):
    """Change the first layer's kernel within the HDF5 file."""

    def change():
        with h5py.File(WEIGHTS, "a") as file:
            values = file[KERNEL][()]
            del file[KERNEL]
            make(file, values)

    return change


def linked_out(file, values):
    with h5py.File("other.h5", "w") as other:
        other["kernel"] = values
    file[KERNEL] = h5py.ExternalLink("other.h5", "kernel")


def stored_out(file, values):
    Path("raw").write_bytes(values.tobytes())
    file.create_dataset(KERNEL, values.shape, "f4", external=[("raw", 0, h5py.h5f.UNLIMITED)])


def huge(file, values):
    file.create_dataset(KERNEL, (10**6, 10**6, 99), "f4", chunks=(99, 99, 1), compression="gzip")


def put(values):
    return lambda: WEIGHTS.write_bytes(values)


def cut(share):
    def change():
        content = WEIGHTS.read_bytes()
        WEIGHTS.write_bytes(content[: int(share * len(content))])

    return change


def with_a_lambda(name):
    def change():
        body = [keras.Input((2,)), keras.layers.Lambda(lambda x: Path("pwned").touch() or x)]
        keras.Sequential(body).save(name)
        Path("pwned").unlink(missing_ok=True)
        Path(name).replace(WEIGHTS)

    return change


MODELS = {
    "no description": (DESCRIPTION.unlink, "model.json: .*No such file"),
    "no JSON": (text("{"), "model.json: Expecting property name"),
    "a list": (text("[]"), "model.json: the whole file: .*got a list"),
    "deep nesting": (text("[" * 100_000), "model.json: maximum recursion depth"),
    "5,000 digits": (text('{"side": ' + "9" * 5000 + "}"), "model.json: Exceeds the limit"),
    "an unknown key": (described(hook="os.system"), "model.json: hook: no such knob"),
    "an unknown network": (described(network={"architecture": "../x"}), "network.architecture: "),
    "weights elsewhere": (described(network={"weights": "../../x"}), "network.weights: should be"),
    "a network of a path": (
        described(checkpoints=[{"fold": "../x"}]),
        "checkpoints.0.fold: .*got '../x'",
    ),
    "a huge side": (described(side=10**9), "side: should be less than or equal to 512"),
    "a negative side": (described(side=-1), "side: should be greater"),
    "a huge head": (described(network={"head": [10**9]}), "network.head.0: should be less"),
    "a hundred heads": (described(network={"head": [8] * 100}), "network.head: .*at most 8"),
    "a class twice": (described(classes=["TIL", "tumor", "TIL"]), "classes: .*each once"),
    "a class too few": (described(classes=["TIL", "tumor"]), "not the weights"),
    "no weights": (WEIGHTS.unlink, "weights.h5: not the weights .*unable to open"),
    "zero bytes": (put(b""), "weights.h5: not the weights"),
    "a pickle": (put(pickle.dumps(Touch())), "weights.h5: not the weights .*signature not found"),
    "cut in half": (cut(0.5), "weights.h5: not the weights .*truncated"),
    "cut at the end": (cut(0.999), "weights.h5: not the weights .*truncated"),
    "a missing kernel": (kernel(lambda file, values: None), "not the weights .*received 0 var"),
    "another shape": (kernel(lambda f, v: f.create_dataset(KERNEL, data=v[:1])), "not the weights"),
    "a link to a file": (kernel(linked_out), "not the weights .*ExternalLink"),
    "bytes of a file": (kernel(stored_out), "not the weights .*external Dataset"),
    "more than the memory": (kernel(huge), "not the weights .*declares"),
    "a pickled kernel": (
        kernel(lambda f, v: f.create_dataset(KERNEL, data=np.void(pickle.dumps(Touch())))),
        "not the weights",
    ),
    "not a number": (
        kernel(lambda f, v: f.create_dataset(KERNEL, data=v * np.nan)),
        "not every weight is a finite number",
    ),
    "a Lambda in a Keras archive": (with_a_lambda("x.keras"), "not the weights .*signature"),
    "a Lambda in HDF5": (with_a_lambda("x.h5"), "not the weights"),
    "weights of another network": (
        lambda: networks.build(SMALL.model_copy(update={"head": [4]}), 16, 3).save_weights(WEIGHTS),
        "not the weights",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning:keras")
@pytest.mark.parametrize("case", MODELS)
def test_a_crafted_model_is_refused(case, model, tmp_path, monkeypatch):
    shutil.copytree(model, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    change, said = MODELS[case]
    change()
    with pytest.raises(InputError, match=said) as error:
        models.load(tmp_path)
    assert "\n" not in str(error.value)
    assert not Path("pwned").exists()


PATHS = {
    "a recipe": (augment.main, None, "augmentation '../../../x'", "../../../x"),
    "an augmentation": (train.main, None, "augmentation '../../../x'", "../../../x", "1"),
    "a volume": (train.main, None, "volume: .*got '../../../x'", "none", "../../../x"),
    "params data": (prepare.main, ("data: release", "data: ../../../x"), "params.yaml: data: "),
    "params aug": (evaluate.main, ("aug: none", "aug: ../../../x"), "params.yaml: aug: "),
    "params volume": (evaluate.main, ("volume: 1", "volume: ../x"), "params.yaml: volume: "),
    "a split list": (prepare.main, (SLIDES[2], f"../{SLIDES[2]}"), "is in neither of"),
}


@pytest.mark.parametrize("case", PATHS)
def test_no_name_leads_out_of_the_data_folder(case, tmp_path, monkeypatch):
    main, change, said, *words = PATHS[case]
    (tmp_path / "study").mkdir()
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path / "study")
    build()
    assert ends(prepare.main) is None and ends(augment.main, "none") is None
    shutil.copytree(paths.AUGMENTED / "none", tmp_path / "x", dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("x/*")}
    if change:
        replace(TRAIN if "list" in case else PARAMS, *change)()
    assert re.match(f"error: .*{said}", ends(main, *words))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("x/*")} == before
