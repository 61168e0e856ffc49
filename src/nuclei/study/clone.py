"""Run the configurations that stdin names, a line each, in a worker's clone.

It answers in lines of JSON: twice a second how many ``updates`` are new, in the end an ``error``,
empty if the configuration is done.
"""

import json
import sys

from nuclei.dvc_api.outdated import run_shared
from nuclei.study.local import Lane, Place, close


def main() -> None:
    """Answer until stdin ends, or nobody reads the answers."""
    lane = Lane(Place())
    answers, sys.stdout = sys.stdout, sys.stderr  # only answers go to stdout

    def answer(**content: int | str) -> None:
        print(json.dumps(content), file=answers, flush=True)

    def run(name: str) -> str:
        try:
            run_shared(name, lambda: lane.run(name, lambda updates: answer(updates=updates)))
        except Exception as error:
            return str(error) or type(error).__name__
        return ""

    try:
        for line in sys.stdin:
            answer(error=run(line.strip()))
    finally:
        close([lane])


if __name__ == "__main__":
    main()
