"""What an operation is: a draw of named parameters, and their application to crops."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Parameters = dict[str, np.ndarray]


class Operation(NamedTuple):
    """One augmentation, random draws apart from arithmetic.

    `draw` takes one stream of random numbers per nucleus, uint64 (N,) of `draws.keys`, and returns
    arrays by name, with an entry per nucleus. `apply` takes crops, uint8 RGB (N, S, S, 3), and
    those arrays by keyword, and returns new crops of the same shape and type. Its arithmetic is in
    integers or exact, so that bytes do not depend on the processor.
    """

    draw: Callable[[np.ndarray], Parameters]
    apply: Callable[..., np.ndarray]
