import os
import sys

import pytest

from nuclei.training import start

RECORD = {"device": "CPU", "replicas": 1, "precision": "float32", "tensorflow": "2.21.0"}
MESSAGES = ["E0000 cuda_driver.cc: failed call to cuInit: UNKNOWN ERROR (303)"]


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """A machine that shows two GPUs."""
    monkeypatch.setattr(start, "GPUS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()


def test_what_is_used_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(start, "GPUS", tmp_path / "none")
    assert start.used(RECORD, MESSAGES) == ["training on CPU, float32, TensorFlow 2.21.0"]


def test_two_gpus_that_are_used_are_one_line(gpus):
    record = RECORD | {"device": "A100", "replicas": 2, "precision": "mixed_float16"}
    assert start.used(record, MESSAGES) == [
        "training on 2 × A100, mixed_float16, TensorFlow 2.21.0"
    ]


@pytest.mark.parametrize(("device", "visible"), [("CPU", 0), ("A100", 1)])
def test_a_gpu_that_is_not_used_is_reported_with_tensorflows_messages(gpus, device, visible):
    _, warning, why = start.used(RECORD | {"device": device}, MESSAGES)
    assert warning == f"warning: TensorFlow uses {visible} of 2 GPUs; it says:"
    assert why.strip() == MESSAGES[0]


def test_gpus_that_the_user_hides_are_not_missed(gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert len(start.used(RECORD, MESSAGES)) == 1


def test_what_a_library_prints_below_python_is_kept_and_not_shown(capfd):
    modules = {name for name, module in sys.modules.items() if module is None}
    with start.quiet_tensorflow() as messages:
        os.write(2, b"greetings\n")
        assert {name for name, module in sys.modules.items() if module is None} == modules
    assert messages == ["greetings"]
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_an_error_comes_through(capfd):
    with pytest.raises(ImportError), start.quiet_tensorflow() as messages:
        os.write(2, b"no CUDA\n")
        raise ImportError
    assert messages == ["no CUDA"]
