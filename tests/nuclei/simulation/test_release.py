import re

import cv2
import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from nuclei.simulation import release

CLASS_OF = {
    "tumor": "tumor",
    "mitotic_figure": "tumor",
    "fibroblast": "stromal",
    "vascular_endothelium": "stromal",
    "macrophage": "stromal",
    "lymphocyte": "TIL",
    "plasma_cell": "TIL",
}
HEADER = (
    "raw_classification,main_classification,super_classification,type,"
    "xmin,ymin,xmax,ymax,coords_x,coords_y"
)


@pytest.fixture(scope="module")
def slides():
    return release.slides(36)


@pytest.fixture(scope="module")
def fields(slides):
    return {slide: release.field(2022, slide, 0, 60) for slide in slides.slide_name}


@pytest.fixture(scope="module")
def boxes(fields):
    """Every box that prepare keeps, with its slide, its class and its sides."""
    table = pd.concat([table.assign(slide=slide) for slide, (_, _, table) in fields.items()])
    table["label"] = table.raw_classification.str.removeprefix("correction_").map(CLASS_OF)
    table["side"] = np.maximum(table.xmax - table.xmin, table.ymax - table.ymin)
    return table[table.label.notna() & (table.type != "point")]


def test_a_field_is_a_function_of_its_arguments(fields, slides):
    slide = slides.slide_name[7]
    name, image, table = release.field(2022, slide, 0, 60)
    assert name == fields[slide][0]
    np.testing.assert_array_equal(image, fields[slide][1])
    pd.testing.assert_frame_equal(table, fields[slide][2])
    for other in ((2023, slide, 0, 60), (2022, slide, 1, 60), (2022, slides.slide_name[25], 0, 60)):
        assert release.field(*other)[0] != name
        assert release.field(*other)[1].tobytes() != image.tobytes()


def test_names_images_and_tables_are_those_of_the_release(fields):
    pattern = r"(TCGA-\w\w-\w{4}-DX1)_id-[0-9a-f]{24}_left-(\d+)_top-(\d+)_bottom-(\d+)_right-(\d+)"
    for slide, (name, image, table) in fields.items():
        found = re.fullmatch(pattern, name)
        left, top, bottom, right = map(int, found.groups()[1:])
        assert found[1] == slide
        assert image.dtype == np.uint8
        assert image.shape == (int(1.26 * (bottom - top)), int(1.26 * (right - left)), 3)
        assert table.to_csv().splitlines()[0] == "," + HEADER
        assert (table.xmin >= 0).all() and (table.xmax <= image.shape[1]).all()
        assert (table.ymin >= 0).all() and (table.ymax <= image.shape[0]).all()
        x = table.coords_x.str.split(",").map(lambda corners: [int(c) for c in corners])
        assert (x.map(min) == table.xmin).all() and (x.map(max) == table.xmax).all()


def test_every_rule_of_prepare_has_rows_to_work_on(fields):
    tables = pd.concat([table for _, _, table in fields.values()])
    raw = tables.raw_classification
    assert set(CLASS_OF) | {"unlabeled", "neutrophil", "apoptotic_body"} <= set(raw)
    assert raw.str.startswith("correction_").any()
    assert set(tables.type) == {"rectangle", "polyline", "point"}
    points = tables[tables.type == "point"]
    assert (points.xmin == points.xmax).all() and (points.ymin == points.ymax).all()


def test_folds_hold_whole_hospitals_and_test_every_slide_once(slides):
    tables = release.folds(slides)
    assert sorted(tables) == sorted(
        f"fold_{k}_{s}.csv" for k in range(1, 6) for s in ("test", "train")
    )
    assert tables["fold_1_test.csv"].to_csv().splitlines()[0] == ",slide_name,hospital,type,fold"
    assert set(tables["fold_1_test.csv"].hospital) == {"BH", "OL", "A1", "AC"}
    tested = pd.concat([tables[f"fold_{k}_test.csv"] for k in range(1, 6)])
    assert sorted(tested.slide_name) == sorted(slides.slide_name)
    for k in range(1, 6):
        train, test = tables[f"fold_{k}_train.csv"], tables[f"fold_{k}_test.csv"]
        assert not set(train.hospital) & set(test.hospital)
        assert len(train) + len(test) == len(slides)
        assert set(train.type) == {"train"} and set(test.type) == {"test"}


def test_classes_are_as_frequent_and_as_large_as_in_the_release(boxes, slides):
    assert 50 < len(boxes) / len(slides) < 70
    share = boxes.label.value_counts(normalize=True)
    # Published counts; patients differ so much that 36 of them leave a wide margin.
    for label, real in (("tumor", 0.42), ("stromal", 0.21), ("TIL", 0.38)):
        assert share[label] == pytest.approx(real, abs=0.09)
    real = {"tumor": (28, 49, 75), "stromal": (25, 40, 71), "TIL": (19, 28, 40)}
    for label, quantiles in real.items():
        drawn = boxes.side[boxes.label == label].quantile([0.05, 0.5, 0.95])
        np.testing.assert_allclose(drawn, quantiles, rtol=0.15)


def test_size_alone_separates_the_classes_as_it_does_on_real_boxes(boxes, slides):
    held_out = boxes.slide.isin(release.folds(slides)["fold_1_test.csv"].slide_name)
    size = np.log(boxes[["side"]])
    model = QuadraticDiscriminantAnalysis().fit(size[~held_out], boxes.label[~held_out])
    scores = model.predict_proba(size[held_out])
    auc = roc_auc_score(boxes.label[held_out], scores, multi_class="ovr")
    assert 0.72 < auc < 0.85  # the same on 164 real NuCLS fields: 0.73 to 0.80 by fold


def _lab(pixels):
    """Lab colours, float32 (N, 3), of uint8 RGB of any shape."""
    return cv2.cvtColor(pixels.reshape(1, -1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def _tissue(image):
    """The Lab colours of every fourth pixel that is no bare glass."""
    colours = _lab(image[::2, ::2])
    return colours[colours[:, 0] < 88]


def test_nuclei_are_darker_than_the_tissue_around_them(fields, boxes):
    for slide, (_, image, _) in fields.items():
        own = boxes[boxes.slide == slide]
        centres = image[(own.ymin + own.ymax) // 2, (own.xmin + own.xmax) // 2]
        assert _lab(centres)[:, 0].mean() < _tissue(image)[:, 0].mean(), slide


def test_stains_are_as_uneven_between_sites_and_within_them_as_those_of_real_tissue(fields):
    colours = {
        slide: _tissue((fields.get(slide) or release.field(2022, slide, 0, 60))[1]).mean(axis=0)
        for slide in release.slides(72).slide_name
    }
    by_site = pd.DataFrame(colours, index=list("Lab")).T.groupby(lambda slide: slide[5:7])
    np.testing.assert_allclose(by_site.mean().mean(), [61.7, 25.1, -18.8], atol=2.5)
    between, within = by_site.mean().std(), by_site.var().mean() ** 0.5
    np.testing.assert_allclose(within, [7.3, 6.0, 4.5], rtol=0.35)
    np.testing.assert_allclose(between[["L", "b"]], [7.1, 7.3], rtol=0.35)
    # Real sites differ by 3.9 in a if each counts as its tiles, and by 7.1 if each counts once.
    np.testing.assert_allclose(between["a"], 3.9, rtol=0.75)
