"""The command `nuclei`: its help, its exit codes, its errors, and what `make` says of old words."""

import os
import re
import signal
import subprocess
import sys

from nuclei.pipeline import environment

import pytest
from click.testing import CliRunner
from commands import ENVIRONMENT, NUCLEI, ROOT

from nuclei.cli import main as command_line
from nuclei.core.errors import InputError
from nuclei.study import run as study_run

COMMANDS = [
    *("predict", "study", "add", "remove", "table", "report", "show", "operations", "verify"),
]


def _nuclei(*words):
    return CliRunner().invoke(command_line.main, words)


def _one_line(result, text, code=1):
    assert result.exit_code == code
    assert result.output.count("\n") == 1 and result.output.startswith("error: "), result.output
    assert text in result.output


def test_help_names_every_command_in_a_whole_sentence():
    lines = _nuclei("--help").output.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == COMMANDS
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_in_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = _nuclei(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: nuclei {name}") or f" {name} " in result.output
    command = command_line.main.commands[name]
    assert all(option.help for option in command.params if option.param_type_name == "option")


def test_help_imports_nothing_that_takes_time():
    script = "import sys, nuclei.cli.main; print(*sys.modules)"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT)
    modules = set(done.stdout.split())
    assert "click" in modules
    assert modules.isdisjoint({"numpy", "pandas", "pydantic", "dvc", "tensorflow", "ruamel.yaml"})


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "images"),
        ("predict", "--model", "models/flip/x2"),
        ("predict", "images", "--model", "m", "--mpp", "0,25"),
        ("study", "--jobs", "0"),
        ("study", "--jobs", "all"),
        ("add",),
        ("remove",),
        ("show", "flip", "crop"),
        ("melt",),
        ("table", "--loud"),
    ],
)
def test_wrong_usage_is_told_by_click_with_exit_code_2(words):
    result = _nuclei(*words)
    assert result.exit_code == 2
    assert "Usage: " in result.output and "Error: " in result.output


@pytest.mark.parametrize("error", [InputError("a\nb: bad"), FileNotFoundError(2, "none", "a\nb")])
def test_a_users_mistake_is_one_line_with_exit_code_1(error, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr("nuclei.cli.report.report", fail)
    _one_line(_nuclei("report"), "b")


def test_a_reader_that_leaves_early_gets_no_error():
    words = [*NUCLEI, "operations"]
    with subprocess.Popen(
        words, env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert b"Errno" not in process.stderr.read()


@pytest.mark.parametrize("name", ["study", "verify"])
def test_in_another_folder_it_says_where_to_go(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _one_line(_nuclei(name), f"{tmp_path} holds no dvc.yaml; type `cd`")


@pytest.mark.parametrize("name", ["add", "remove"])
def test_the_list_can_only_be_edited_in_the_projects_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _one_line(_nuclei(name, "stain"), "params.yaml")


def test_ctrl_c_ends_in_one_line():
    script = (
        "import time, nuclei.cli.report as report\n"
        "def wait():\n    print('begun', flush=True)\n    time.sleep(60)\n"
        "report.report = wait\n"
        "from nuclei.cli.main import main\nmain(['report'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=ENVIRONMENT,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert (process.returncode, told.split()) == (1, ["Aborted!"])


def test_a_python_without_the_packages_is_told_in_one_line():
    words = [sys.executable, "-S", "-m", "nuclei.cli.main", "--help"]  # -S: no site-packages
    path = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT | path, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert environment.NEEDED[0] in done.stderr and "`source .venv/bin/activate`" in done.stderr


def test_predict_passes_on_what_was_typed(monkeypatch):
    calls = []
    monkeypatch.setattr("nuclei.cli.predict.predict", lambda *words: calls.append(words))
    assert _nuclei("predict", "images", "--model", "models/flip/x2").exit_code == 0
    words = ("--mpp", "0.25", "--out", "answer.csv")
    assert _nuclei("predict", "images", "--model", "models/flip/x2", *words).exit_code == 0
    assert calls == [
        ("images", "models/flip/x2", None, None),
        ("images", "models/flip/x2", "answer.csv", 0.25),
    ]


@pytest.fixture
def studied(tmp_path, monkeypatch):
    """A folder in which evaluate has run; what `nuclei study` calls is noted in the list."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "dvc.yaml").touch()
    for name, text in (
        ("answer.csv", "line,text\n1,The answer.\n"),
        ("configurations.csv", "aug,volume,macro_auc,accuracy\nnone,1,0.9,0.8\n"),
        ("report.md", "# Report\n"),
    ):
        (tmp_path / "plots" / name).write_text(text)
    os.utime(tmp_path / "plots/report.md", (1, 1))
    calls = []
    monkeypatch.setattr(study_run, "study", lambda *words: calls.append(words))
    return calls


def test_a_study_that_had_nothing_to_do_ends_with_the_table(studied):
    result = _nuclei("study", "--jobs", "3")
    assert result.exit_code == 0 and studied == [(3, None)]
    assert result.output.startswith("The answer.\n")
    assert result.output.endswith("report: plots/report.md\n")


def test_after_evaluate_has_run_the_table_is_not_printed_again(studied, tmp_path, monkeypatch):
    report = tmp_path / "plots/report.md"
    monkeypatch.setattr(study_run, "study", lambda *_: report.write_text("# Report\n"))
    result = _nuclei("study")
    assert (result.exit_code, result.output) == (0, "")


def test_a_cluster_is_passed_on(studied):
    assert _nuclei("study", "--scheduler", "tcp://host:8786").exit_code == 0
    assert studied == [(None, "tcp://host:8786")]


def test_a_study_that_failed_prints_no_table(studied, monkeypatch):
    monkeypatch.setattr(study_run, "study", lambda *_: sys.exit("error: 1 of 2 are not done"))
    _one_line(_nuclei("study"), "not done")


@pytest.mark.parametrize(
    ("words", "now"),
    [
        ("predict", "predict IMAGES --model models/AUG/xV"),
        (
            "predict IMAGES=new MODEL=models/flip/x2 MICRONS_PER_PIXEL=0.25 OUT=a.csv",
            "predict new --model models/flip/x2 --mpp 0.25 --out a.csv",
        ),
        ("show", "show [RECIPE]"),
        ("show AUG=flip+stain-10 OUT=a.png", "show flip+stain-10 --out a.png"),
        ("operations OUT=docs/operations.md", "operations --out docs/operations.md"),
        ("table", "table"),
        ("report", "report"),
        ("verify", "verify"),
        ("cluster", "study --scheduler tcp://HOST:8786"),
        ("cluster SCHEDULER=tcp://a:1", "study --scheduler tcp://a:1"),
    ],
)
def test_make_tells_what_to_type_instead_of_an_old_target(words, now):
    # `make test` hands its own MAKEFLAGS on, by which a make below it prints more
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", *words.split()], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode and not done.stdout
    assert done.stderr.count("\n") == 1
    assert f"make {words.split()[0]} is now: nuclei {now} (after" in done.stderr
    typed = now.replace("[RECIPE]", "").split()
    command = command_line.main.commands[typed[0]]
    command.make_context(typed[0], typed[1:])  # click takes these words


def test_make_help_lists_no_old_target():
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    targets = re.findall(r"^([a-z-]+) ", told, re.MULTILINE)
    assert {"install", "study", "test", "quick", "drills", "lint", "format", "lock", "bench"} <= {
        *targets
    }
    assert not {"predict", "show", "operations", "table", "report", "verify", "cluster"} & {
        *targets
    }
