"""Stage simulate: draw the embedded data set, in the layout of the NuCLS release."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import cv2
from tqdm import tqdm

import stage
from nuclei import simulation
from nuclei.params import Simulate


def main() -> None:
    """Draw every field that params.yaml asks for, one process per core."""
    knobs = stage.read_params().simulate
    slides = simulation.slides(knobs.patients)
    fields = list(product(slides.slide_name, range(knobs.fields)))
    with stage.output(stage.RAW / "simulated") as folder:
        for part in ("rgb", "csv", "train_test_splits"):
            (folder / part).mkdir(parents=True)
        for name, table in simulation.folds(slides).items():
            table.to_csv(folder / "train_test_splits" / name)
        with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
            drawn = pool.map(partial(_draw, knobs, folder), fields)
            for _ in tqdm(drawn, "fields", len(fields), disable=None):
                pass


def _draw(knobs: Simulate, folder: Path, slide_and_index: tuple[str, int]) -> None:
    name, image, nuclei = simulation.field(knobs.seed, *slide_and_index, knobs.nuclei)
    # OpenCV takes the channels in the order blue, green, red.
    _, png = cv2.imencode(".png", image[..., ::-1])
    (folder / "rgb" / f"{name}.png").write_bytes(png)
    nuclei.to_csv(folder / "csv" / f"{name}.csv")


if __name__ == "__main__":
    stage.run(main)
