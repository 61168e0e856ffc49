"""The stage's loop against bare steps, Keras's fit and PyTorch, each in a process of its own.

Processes that share a machine slow each other down, PyTorch's threads most of all: one way runs at
a time, on all cores, with the number of threads that suits it. Ways take turns within a round.
"""

from importlib.util import find_spec
from math import prod
from pathlib import Path

import bare
import results
from study import CORES, together

from nuclei.core import files
from nuclei.training import networks
from nuclei.training.params import TrainParams

ROOT = Path(__file__).parents[1]
ROUNDS = 5
WAYS = {
    "loop": "the stage's loop",
    "steps": "bare steps",
    "fit": "Keras fit",
    "torch": "PyTorch",
    "torch_channels_last": "PyTorch, channels last",
}


def main() -> None:
    """Print each comparison's ratio with its spread over rounds in which every way ran once."""
    load = results.idle()
    ways = {key: name for key, name in WAYS.items() if "torch" not in key or find_spec("torch")}
    if len(ways) < len(WAYS):
        print("PyTorch is not installed: left out")
    rates: dict[str, list[float]] = {name: [] for name in ways.values()}
    products = []
    for _ in range(ROUNDS):
        for key, name in ways.items():
            rates[name].append(together(key, 1, CORES))
        products.append(together("product", 1, CORES))
    comparison = results.compared("small, batch of 64 at 32 px", rates, "updates/s")
    comparison["roofline"] = _roofline(max(rates[WAYS["loop"]]), max(products))
    results.record("training", {"load": load, **comparison})


def _roofline(updates_per_second: float, peak: float) -> dict:
    """Multiplications and additions of the layers, three times for the two passes of training."""
    network = files.read_params(TrainParams, ROOT / "params.yaml").networks["small"]
    model = networks.build(network, bare.SIDE, 3)
    per_crop = sum(
        2 * layer.kernel.shape.num_elements() * prod(layer.output.shape[1:-1])
        for layer in model.layers
        if hasattr(layer, "kernel")
    )
    achieved = 3 * per_crop * network.batch * updates_per_second / 1e9
    print(f"roofline: {achieved:.0f} of {peak:.0f} GFLOP/s, {achieved / peak:.0%}")
    return {"achieved": achieved, "peak": peak, "share": achieved / peak}


if __name__ == "__main__":
    main()
