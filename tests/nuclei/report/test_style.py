import io

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from nuclei.report import style


@style.styled
def draw():
    figure = Figure(figsize=(style.WIDTH, 2))
    figure.subplots().plot([1, 2], **style.looks(pd.Series(["none"]))["none"], label="none")
    style.legend(figure, figure.axes[0])
    return style.png(figure)


def test_a_figure_has_readme_width_and_the_same_bytes_whatever_the_users_style():
    png = draw()
    image = Image.open(io.BytesIO(png))
    assert image.width == 1245
    assert "Software" not in image.info
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert draw() == png


def test_more_augmentations_than_colours_still_differ():
    looks = style.looks(pd.Series([f"a{i}" for i in range(12)]))
    assert len({str(look) for look in looks.values()}) == 12
    lines = {(look["color"], str(look["linestyle"])) for look in looks.values()}
    assert len(lines) == 12  # a line may have no marker


def test_looks_go_by_the_first_place_in_the_column():
    assert list(style.looks(pd.Series(["none", "flip", "none"]))) == ["none", "flip"]
