"""When configurations start and what is recorded, whoever runs them."""

from concurrent.futures import CancelledError, Future

import pytest

from nuclei.study import side_by_side
from nuclei.study.side_by_side import Progress

CONFIGURATIONS = {
    "augment@flip": None,
    "train@flip-1": "augment@flip",
    "train@flip-2": "augment@flip",
    "train@none-1": None,
}


@pytest.fixture
def run(capsys):
    """Call it with errors by name: what was recorded, how each one started, and the lines."""

    def go(errors):
        started, recorded = {}, []

        def submit(name, needed):
            started[name] = needed
            future = Future()
            if name in errors:
                future.set_exception(errors[name])
            else:
                future.set_result(({name: {"cmd": name}}, 3.0, "0"))
            return future

        progress = Progress(len(CONFIGURATIONS))
        try:
            entries = side_by_side.run(CONFIGURATIONS, submit, progress, recorded.extend)
        except SystemExit as stopped:
            entries = str(stopped)
        progress.close()
        return entries, recorded, started, sorted(capsys.readouterr().out.splitlines())

    return go


def test_a_configuration_starts_with_the_entry_of_the_stage_that_it_reads(run):
    entries, recorded, started, lines = run({})
    assert {*entries} == {*recorded} == {*CONFIGURATIONS}
    assert started["train@flip-2"] == {"augment@flip": {"cmd": "augment@flip"}}
    assert started["train@none-1"] == {}
    assert lines == [f"{name}  3 s  worker 0" for name in sorted(CONFIGURATIONS)]


def test_what_waits_for_a_failed_one_is_not_run(run):
    entries, recorded, started, lines = run({"augment@flip": RuntimeError("boom")})
    assert [*entries] == recorded == ["train@none-1"]
    assert "train@flip-1" not in started
    assert "repeat it: dvc repro --single-item augment@flip" in lines and "boom" in lines
    assert "train@flip-2  not run: augment@flip failed" in lines


def test_a_lost_scheduler_is_named(run):
    _, recorded, _, lines = run({"train@none-1": CancelledError()})
    assert len(recorded) == 3
    assert any(line.startswith("train@none-1  not run: the scheduler is lost;") for line in lines)


def test_ctrl_c_records_what_is_done(run):
    message, recorded, *_ = run({"train@flip-2": KeyboardInterrupt()})
    assert message == "error: stopped; what was done is not run again"
    assert "augment@flip" in recorded
