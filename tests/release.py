"""A small raw data set put together by hand, ways to spoil it, and how a stage ends on it."""

import io
import json
import re
import shutil
import struct
import sys
import zlib
from pathlib import Path

from nuclei.pipeline import stage

import numpy as np
import pandas as pd
import yaml
from hypothesis import strategies as st
from PIL import Image

from nuclei.core import paths

ROOT = Path(__file__).parents[1]
SLIDES = [f"TCGA-{site}-A00{n}-DX1" for site in ("A1", "A2", "AN", "BH", "E2") for n in (0, 1)]
FIELD = f"{SLIDES[0]}_id-{'0' * 24}_left-1_top-1_bottom-2_right-2"
PARAMS, RAW = Path("params.yaml"), Path("data/raw/release")
LABELS, IMAGE = RAW / f"csv/{FIELD}.csv", RAW / f"rgb/{FIELD}.png"
LISTS = {
    (fold, split): RAW / f"train_test_splits/fold_{fold}_{split}.csv"
    for fold in range(1, 6)
    for split in ("train", "test")
}
TRAIN, TEST = LISTS[1, "train"], LISTS[1, "test"]
HEADER = ",raw_classification,type,xmin,ymin,xmax,ymax\n"
TABLE = HEADER + "".join(
    f"{i},{name},rectangle,{4 * i},10,{4 * i + 8},30\n"
    for i, name in enumerate(["tumor", "fibroblast", "lymphocyte"])
)
SAME = "the result of the undamaged input"
PIXELS = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def build(folder=Path()):
    """Write params.yaml and, in the layout of NuCLS, ten patients; fold n tests the n-th site's."""
    for path in (LABELS, IMAGE, TRAIN):
        (folder / path.parent).mkdir(parents=True)
    for number, slide in enumerate(SLIDES):
        taller = TABLE.replace(",30\n", f",{30 + number}\n")
        (folder / str(LABELS).replace(SLIDES[0], slide)).write_text(taller)
        (folder / str(IMAGE).replace(SLIDES[0], slide)).write_bytes(image())
    for (fold, split), path in LISTS.items():
        tested = SLIDES[2 * fold - 2 : 2 * fold]
        slides = tested if split == "test" else [s for s in SLIDES if s not in tested]
        pd.DataFrame({"slide_name": slides}).to_csv(folder / path)
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    knobs |= {"data": "release", "aug": "none", "volume": 1}
    knobs["prepare"] |= {"side": 16, "folds": 5}  # as many as the lists are
    knobs["evaluate"]["resamples"] = 200
    text = yaml.safe_dump(knobs, sort_keys=False)
    (folder / PARAMS).write_text(f"# A small study.\n{text}", encoding="utf-8")


def ends(main, *words):
    """Run a stage's `main` as its script does; return what it says on stderr, if it fails."""
    argv, sys.argv = sys.argv, ["stage.py", *words]
    try:
        stage.run(main)
    except SystemExit as end:
        assert isinstance(end.code, str)  # Python prints it, and exits with 1
        return end.code
    finally:
        sys.argv = argv


def ends_right(main, change, expected):
    """Build the data set here, spoil it, and see that the stage prepare ends as expected.

    `expected` is a pattern of what an error says, the dropped rows by reason, or SAME.
    """
    build()
    if expected is SAME:
        assert ends(main) is None
        undamaged = _prepared()
        shutil.rmtree(paths.PREPARED)
    change()
    said = ends(main)
    if isinstance(expected, dict):
        assert said is None
        assert json.loads(_prepared()["summary.json"])["dropped"] == expected
    elif expected is SAME:
        assert said is None and _prepared() == undamaged
    else:
        assert re.match(f"error: .*{expected}", said) and "\n" not in said and len(said) < 800
        assert not paths.PREPARED.exists()


def _prepared():
    return {path.name: path.read_bytes() for path in paths.PREPARED.iterdir()}


def image(pixels=PIXELS, mode="RGB", kind="PNG", **options):
    """Encode pixels, as a PNG or in another format."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def png(width, height, rows, depth=8, interlaced=0):
    """Put a PNG of RGB together from its rows, each behind its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def interlaced():
    """The pixels as Adam7 sends them, seven grids from coarse to fine."""
    grids = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [PIXELS[y::dy, x::dx] for y, x, dy, dx in [*grids, (1, 0, 2, 1)]]
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part)
    return png(50, 40, rows, interlaced=1)


def damaged(content):
    """A strategy of hypothesis: the bytes of a file, a part replaced by others, or any bytes."""
    parts = st.binary(max_size=9) | st.text(max_size=9).map(str.encode)
    places, lengths = st.integers(0, len(content)), st.integers(0, 20)
    spoiled = st.builds(
        lambda at, new, length: content[:at] + new + content[at + length :], places, parts, lengths
    )
    return spoiled | st.binary(max_size=99)


def write(path, content):
    """Spoil a file by other content; like all below, returns what does it in the folder at hand."""
    return lambda: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def replace(path, old, new):
    """Spoil a file at the first place that reads `old`."""

    def change():
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_bytes(text.replace(old, new, 1).encode())

    return change


def link(path, target):
    """Put what lies at `path` aside, and a link in its place."""

    def change():
        path.rename("aside")
        path.symlink_to(Path(target).absolute())

    return change


def rename(path, name):
    """Give a file or folder another name."""
    return lambda: path.rename(path.with_name(name))


def folder_instead(path):
    """Put a folder in the place of a file."""
    return lambda: (path.unlink(), path.mkdir())
