import numpy as np

from nuclei.augmentation import occlusion
from nuclei.core import draws

CROPS = np.full((2_000, 32, 32, 3), 9, np.uint8)


def test_erase_hides_a_rectangle_of_half_of_the_nuclei():
    drawn = occlusion.draw_rectangles(draws.hash_ids(map(str, range(2_000))), 40)
    made = occlusion.erase(CROPS, **drawn)
    hidden = (made != 9).any(axis=-1)
    share = hidden.mean(axis=(1, 2))
    assert 0.46 < (share > 0).mean() < 0.54
    assert 0.38 < share.max() <= 0.42 and 0.015 < share[share > 0].min() < 0.03
    for mask in hidden[share > 0][:50]:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert mask[np.ix_(rows, columns)].mean() > 0.97  # a random byte may be 9, three hardly
    places = [np.argwhere(mask)[0] for mask in hidden[share > 0]]
    assert np.ptp(places, axis=0).min() > 22


def test_erase_fills_with_bytes_of_every_value():
    drawn = occlusion.draw_rectangles(draws.hash_ids(map(str, range(2_000))), 40)
    made = occlusion.erase(CROPS, **drawn)
    filled = made[(made != 9).any(axis=-1)]
    assert abs(filled.mean() - 127.5) < 1 and len(np.unique(filled)) == 256
