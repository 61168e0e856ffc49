"""Run each configuration as soon as it can run, on this machine or on a cluster."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from tqdm import tqdm

RECORD_EVERY = 30  # seconds; what a killed study has recorded is not run again

# A finished configuration: its entry of dvc.lock by its name, seconds, and the worker's name.
# An entry is empty where DVC records the configuration later.
Done = tuple[dict[str, dict], float, str]


class Progress:
    """A line for every configuration that has ended; on a terminal, a line below that changes."""

    def __init__(self, total: int) -> None:
        """Begin with none of `total` configurations."""
        self._ended, self._total = 0, total
        self._running: dict[str, str] = {}  # the configuration of each worker
        description = f"0/{total} configurations"
        self._bar = tqdm(unit=" updates", disable=None, leave=False, desc=description)
        self.close = self._bar.close

    def advance(self, worker: str, name: str, updates: int) -> None:
        """Count the new updates of a worker; any thread may call it."""
        with self._bar.get_lock():
            self._running[worker] = name
            self._bar.set_postfix_str(", ".join(self._running.values()), refresh=False)
            self._bar.update(updates)

    def end(self, line: str) -> None:
        """Print the line of a configuration that has ended."""
        self._ended += 1
        with self._bar.get_lock():
            self._bar.write(line, file=sys.stdout)
            self._bar.set_description_str(f"{self._ended}/{self._total} configurations")
        sys.stdout.flush()


def run(
    configurations: dict[str, str | None],
    submit: Callable[[str, dict[str, dict]], Future[Done]],
    progress: Progress,
    record: Callable[[list[str]], object] = lambda names: None,
) -> dict[str, dict]:
    """Run all configurations; return the entries of dvc.lock, by name, of those that are done.

    Each names the stage it waits for, whose entry `submit` is given. One that fails stops only
    those that read its output. `record` gets the names that are new, every 30 s and at the end.
    """
    running = {submit(name, {}): name for name, needed in configurations.items() if not needed}
    entries: dict[str, dict] = {}
    unrecorded: list[str] = []
    recorded = time.monotonic()
    try:
        while running:
            for future in wait(running, RECORD_EVERY, FIRST_COMPLETED).done:
                name = running.pop(future)
                waiting = [other for other, needed in configurations.items() if needed == name]
                try:
                    entry, seconds, worker = future.result()
                except Exception as error:
                    progress.end(f"{name}  {_reason(name, error)}")
                    for other in waiting:
                        progress.end(f"{other}  not run: {name} failed")
                    continue
                entries |= entry
                unrecorded.append(name)
                running |= {submit(other, entry): other for other in waiting}
                progress.end(f"{name}  {seconds:.0f} s  worker {worker}")
            if time.monotonic() - recorded > RECORD_EVERY:
                record(unrecorded)
                unrecorded, recorded = [], time.monotonic()
    except KeyboardInterrupt:
        record(unrecorded)
        sys.exit("error: stopped; what was done is not run again")
    record(unrecorded)
    return entries


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, CancelledError):
        return "not run: the scheduler is lost; what was done is not run again"
    return f"failed\n{error}\nrepeat it: dvc repro --single-item {name}"
