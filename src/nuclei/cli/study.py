"""Run the study side by side, and print its answer in any case."""

from nuclei.cli.table import table
from nuclei.core import paths
from nuclei.study import run


def study(jobs: int | None, scheduler: str | None) -> None:
    """Run every outdated configuration, then print the answer if evaluate has not printed it.

    Args:
        jobs: processes on this machine; None for as many as it has cores or GPUs.
        scheduler: of a Dask cluster, tcp://HOST:PORT; None to run on this machine.
    """
    before = _written()
    run.study(jobs, scheduler)
    if _written() == before:  # the report was up to date, so evaluate did not run
        table()


def _written() -> int | None:
    """Return when the report was written, in ns; None if there is none."""
    report = paths.PLOTS / "report.md"
    return report.stat().st_mtime_ns if report.exists() else None
