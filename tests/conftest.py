"""What several test modules share: a tiny study, run once, in a throwaway DVC repository."""

import os
import shutil

import pytest
import yaml
from commands import ROOT, run
from filelock import FileLock

LONGEST_FIRST = (
    *("sharing", "generator", "lost_workers", "run", "repro", "full_disk", "kill", "corruption"),
    *("kill_side_by_side", "other_machine", "loop", "train", "pool_store", "predict"),
    *("report_of_revisions", "report"),
)
# As the stages set it for themselves. It must stand before TensorFlow's first operation in this
# process, whichever test that is in.
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
STAGES = 2 + 2 + 4 + 1  # of the tiny study: simulate, prepare; augment; train; evaluate
DRILL = "drill"  # rows of the table that docs/reliability.md keeps


def pytest_addoption(parser):
    parser.addoption("--tries", type=int, default=1, help="how often each drill is tried")


@pytest.fixture
def tries(request):
    """How often a drill is to be tried."""
    return request.config.getoption("--tries")


@pytest.fixture
def drilled(request):
    """Call it with a drill's name, its tries, and how many lost something or were wrong."""
    rows = request.node.user_properties  # they reach the process that prints the table
    return lambda name, tries, wrong: rows.append((DRILL, (name, tries, wrong)))


def pytest_configure(config):
    config.addinivalue_line("markers", "drill(name): every such test is a try of that drill")
    config.addinivalue_line("markers", "long: left to `--tries 2` and more, as `make drills` has")
    config.addinivalue_line("markers", "slow: takes seconds; `make quick` leaves it out")
    config.addinivalue_line("markers", "study: needs a study that has run; `make quick` has none")
    config.addinivalue_line("markers", "s3_will_do: on SSH left to `--tries 2` and more")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marks
def pytest_collection_modifyitems(config, items):
    for item in items:
        if "study" in item.fixturenames:
            item.add_marker("study")
    # The longest first, so that no process waits for another's last one. One that needs no study
    # stands second: it runs while the first process makes the study.
    names = [f"test_{name}" for name in LONGEST_FIRST]
    items.sort(key=lambda item: (*names, item.path.stem).index(item.path.stem))
    if config.getoption("--tries") == 1:
        only_drills = [item for item in items if _is_left_to_drills(item)]
        config.hook.pytest_deselected(items=only_drills)
        items[:] = [item for item in items if item not in only_drills]


def _is_left_to_drills(item):
    repeats = item.get_closest_marker("s3_will_do") and "[ssh]" in item.name
    return bool(repeats or item.get_closest_marker("long"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    drill = item.get_closest_marker("drill")
    if drill and report.when == "call" and not report.skipped:
        report.user_properties.append((DRILL, (drill.args[0], 1, int(report.failed))))
    return report


def pytest_terminal_summary(terminalreporter):
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    rows = [row for call in calls for name, row in call.user_properties if name == DRILL]
    if rows:
        terminalreporter.section("drills: tries, lost or wrong")
    for name in sorted({name for name, *_ in rows}):
        tries, wrong = (sum(row[k] for row in rows if row[0] == name) for k in (1, 2))
        terminalreporter.write_line(f"| {name} | {tries} | {wrong} |")


def _tiny(folder):
    """Keep every stage, shrink every size: two augmentations at two volumes, one fold."""
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    params |= {"aug": "invert+flip", "volume": 1}
    params["simulate"] |= {"patients": 36, "fields": 1, "nuclei": 10}
    params["prepare"] |= {"side": 16, "folds": "released"}
    params["train"] |= {"repeats": 2, "evaluations": 1}
    params["networks"]["tiny"] |= {"batch": 64, "updates": 5}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in ("augment", "train"):
        pipeline["stages"][stage]["matrix"]["aug"] = ["none", "${aug}"]
    pipeline["stages"]["train"]["matrix"]["volume"] = ["inf", "${volume}"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="session")
def study(tmp_path_factory, worker_id):
    """A repository in which `dvc repro` has run once, all committed; each process has its own."""
    if worker_id == "master":
        return _studied(tmp_path_factory.mktemp("study"))
    shared = tmp_path_factory.getbasetemp().parent / "study"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            _studied(shared.with_name("unfinished")).rename(shared)
    return shutil.copytree(shared, tmp_path_factory.mktemp("own") / "study", symlinks=True)


def _studied(folder):
    folder.mkdir(exist_ok=True)
    for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    _tiny(folder)
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    own = shutil.ignore_patterns("cache", "tmp", "config.local", "offline.html")
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=own, dirs_exist_ok=True)
    output = run(folder, "dvc", "repro")
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "--quiet", "-m", "Run the study")
    assert output.count("Running stage") == STAGES
    return folder


@pytest.fixture(scope="session")
def experiment(study):
    """What DVC printed while it ran the experiment `noise` aside; the study's files stay."""
    return run(study, "dvc", "exp", "run", "--temp", "--name", "noise", "-S", "aug=noise+flip")
