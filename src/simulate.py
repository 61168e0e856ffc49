"""Stage simulate: the embedded data set, in the layout of the NuCLS release."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from nuclei.pipeline import stage

import cv2
from tqdm import tqdm

from nuclei.core import files, paths
from nuclei.simulation import release
from nuclei.simulation.params import Simulate, SimulateParams


def main() -> None:
    """Simulate every field that params.yaml asks for, with one process per core."""
    knobs = files.read_params(SimulateParams).simulate
    slides = release.slides(knobs.patients)
    fields = list(product(slides.slide_name, range(knobs.fields)))
    with stage.output(paths.RAW / "simulated") as folder:
        for part in ("rgb", "csv", "train_test_splits"):
            (folder / part).mkdir(parents=True)
        for name, table in release.folds(slides).items():
            files.write_csv(folder / "train_test_splits" / name, table.reset_index(names=""))
        # Not forked: a child would hold the output's lock for as long as it lives.
        with ProcessPoolExecutor(
            mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
        ) as pool:
            written = pool.map(partial(_write_field, knobs, folder), fields)
            for _ in tqdm(written, "fields", len(fields), disable=None):
                pass


def _write_field(knobs: Simulate, folder: Path, slide_and_index: tuple[str, int]) -> None:
    name, image, nuclei = release.field(knobs.seed, *slide_and_index, knobs.nuclei)
    # OpenCV takes the channels in the order blue, green, red.
    _, png = cv2.imencode(".png", image[..., ::-1])
    (folder / "rgb" / f"{name}.png").write_bytes(png.tobytes())
    # The release's label files begin with an unnamed index.
    files.write_csv(folder / "csv" / f"{name}.csv", nuclei.reset_index(names=""))


if __name__ == "__main__":
    stage.run(main)
