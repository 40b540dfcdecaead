"""What the peers share: the workloads' sizes and data (those of tools/bench/workloads.mjs), timing, and result rows."""

import argparse
import json
import math
import os
import statistics
import time
from dataclasses import dataclass, replace

import numpy as np

# Values of a result that are compared, and training steps of W1b whose losses are.
PROBES = 64
TRAIN_STEPS = 3
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Sizes:
    inputs: int
    hidden: int
    steps: int
    batch: int  # windows, or dates; of one network
    heads: int = 1  # assets of a shared encoder
    networks: int = 1
    epochs: int = 1


FULL = {
    "W1": Sizes(12, 64, 24, 4096),
    "W2": Sizes(12, 64, 24, 240, heads=2000),
    "W3": Sizes(8, 16, 12, 200, networks=1000, epochs=20),
}
QUICK = {
    "W1": replace(FULL["W1"], batch=384),
    "W2": replace(FULL["W2"], batch=24, heads=200),
    "W3": replace(FULL["W3"], networks=20, epochs=2),
}


def filled(length, scale, seed):
    """Numbers on [-scale, scale) of tools/bench/numbers.mjs: a linear congruential generator, unrolled into powers."""
    with np.errstate(over="ignore"):
        powers = np.multiply.accumulate(np.full(length, 1_664_525, dtype=np.uint32), dtype=np.uint32)
        sums = np.cumsum(np.concatenate([[np.uint32(1)], powers[:-1]]), dtype=np.uint32)
        state = powers * np.uint32(seed) + sums * np.uint32(1_013_904_223)
    return ((state / 2.0**31 - 1) * scale).astype(np.float32)


@dataclass
class Data:
    """Arrays of one workload; a leading network dimension where there are several."""

    weight_ih: np.ndarray  # [..., 4H, F]
    weight_hh: np.ndarray  # [..., 4H, H]
    bias_ih: np.ndarray  # [..., 4H]
    bias_hh: np.ndarray  # [..., 4H]
    heads: np.ndarray  # [..., heads, H]
    input: np.ndarray  # [..., batch, steps, inputs]
    targets: np.ndarray  # [..., batch]


def data(sizes):
    f, h = sizes.inputs, sizes.hidden
    lengths = [4 * h * f, 4 * h * h, 4 * h, 4 * h]
    flat = filled(sizes.networks * sum(lengths), 1 / math.sqrt(h), 1).reshape(sizes.networks, -1)
    parts = np.split(flat, np.cumsum(lengths)[:-1], axis=1)
    windows = sizes.networks * sizes.batch
    arrays = Data(
        parts[0].reshape(-1, 4 * h, f),
        parts[1].reshape(-1, 4 * h, h),
        parts[2],
        parts[3],
        filled(sizes.networks * sizes.heads * h, 1, 2).reshape(-1, sizes.heads, h),
        filled(windows * sizes.steps * f, 1, 3).reshape(-1, sizes.batch, sizes.steps, f),
        filled(windows, 1, 4).reshape(-1, sizes.batch),
    )
    if sizes.networks == 1:
        arrays = Data(**{name: np.ascontiguousarray(value[0]) for name, value in vars(arrays).items()})
    return arrays


def probe(values):
    flat = np.asarray(values).reshape(-1)
    count = min(PROBES, flat.size)
    return [float(flat[i * flat.size // count]) for i in range(count)]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="W1,W2,W3,W5")
    parser.add_argument("--steps", default="{}", help="JSON: steps that the kernel's fits took, by shape (W5)")
    chosen = parser.parse_args()
    # Peers whose threads can't be told otherwise see as many processors as they may use.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    return chosen


def measure(peer, chosen, workloads):
    """Times each of [(group, workload, repeats, make)], where `make` gives the run and what of it is to be compared, and
    prints rows; a fifth entry is the calls that short work is timed by."""
    for group, workload, repeats, make, *calls in workloads:
        if group not in chosen.only.split(","):
            continue
        try:
            report(peer, chosen, workload, repeats, make, *calls)
        except Exception as error:  # one form that a peer can't run must not hide the others
            print(json.dumps({"peer": peer, "workload": workload, "error": str(error).split("\n")[0][:200]}), flush=True)


def report(peer, chosen, workload, repeats, make, calls=1):
    run, result = make()
    # Calls that warm up, as for the kernel's own rows: until half a second is over, at least one, at most ten.
    begin = time.perf_counter()
    values = run()
    first = probe(result(values)) if result else None
    for _ in range(9):
        if chosen.quick or time.perf_counter() - begin > 0.5:
            break
        run()
    seconds = []
    for _ in range(1 if chosen.quick else repeats):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        seconds.append((time.perf_counter() - start) / calls)
    row = {"peer": peer, "workload": workload, "threads": chosen.threads, "median_s": statistics.median(seconds)}
    if first is not None:
        row["probe"] = first
    print(json.dumps(row), flush=True)
