"""Golden numbers of the LSTM kernel, from torch.nn.LSTM in float64 and automatic differentiation.

Run: python lstm_golden.py > ../../native/crates/lstm/tests/kernel/golden.txt

Weights and inputs are not stored: both sides draw them from splitmix64 (see `Uniform`). Arrays of up to FULL numbers are
stored whole; of larger ones their sum of squares and PROBES dot products with drawn vectors, which no wrong element
escapes. One line a case: sizes and seed, then `name count kind numbers...` for every array.
"""
import sys

import numpy as np
import torch

FULL = 12
PROBES = 3
PROBE_SEED = 0x5EED

# hidden, input, layers, batch, length, initial state given, gain of the weights. Large gains on many units over many
# steps are chaotic: (100, 5, 2, 1, 24, 1, 50) turns rounding into 1e-6, whatever computes it, and tests nothing.
CASES = [
    (1, 1, 1, 7, 1, 0, 1), (1, 5, 1, 7, 2, 1, 1), (1, 12, 2, 7, 24, 0, 1), (1, 1, 3, 64, 120, 1, 1),
    (3, 1, 1, 64, 24, 0, 1), (3, 5, 2, 7, 24, 1, 1), (3, 12, 3, 1, 2, 0, 1), (3, 5, 1, 64, 120, 0, 1),
    (16, 1, 2, 64, 2, 1, 1), (16, 5, 1, 7, 120, 0, 1), (16, 12, 1, 64, 24, 1, 1), (16, 5, 3, 7, 1, 0, 1),
    (17, 1, 3, 7, 24, 0, 1), (17, 5, 1, 64, 1, 1, 1), (17, 12, 2, 1, 120, 1, 1), (17, 12, 1, 7, 2, 0, 1),
    (64, 1, 1, 7, 120, 1, 1), (64, 5, 2, 64, 2, 0, 1), (64, 12, 1, 64, 24, 0, 1), (64, 12, 3, 1, 1, 1, 1),
    (100, 1, 2, 1, 24, 1, 1), (100, 5, 1, 7, 24, 0, 1), (100, 12, 1, 1, 120, 0, 1), (100, 12, 3, 7, 2, 1, 1),
    (3, 5, 1, 7, 24, 1, 10), (16, 5, 1, 7, 24, 0, 10), (16, 12, 2, 7, 24, 1, 20), (17, 1, 1, 64, 24, 0, 30),
    (64, 12, 1, 7, 24, 0, 50), (100, 5, 2, 1, 2, 1, 50), (1, 5, 3, 7, 2, 0, 50),
]


class Uniform:
    """splitmix64 (Steele, Lea and Flood 2014), read as uniform float32 numbers on [-scale, scale)."""

    def __init__(self, seed):
        self.state = seed

    def vector(self, length, scale):
        with np.errstate(over="ignore"):
            steps = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            states = np.uint64(self.state) + steps
            self.state = int(states[-1]) if length else self.state
            z = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        unit = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
        values = ((2.0 * unit - 1.0) * scale).astype(np.float32).astype(np.float64)
        return torch.from_numpy(values)


def summary(name, array):
    values = array.detach().reshape(-1)
    if len(values) <= FULL:
        return f"{name} {len(values)} full " + " ".join(repr(float(x)) for x in values)
    random = Uniform(PROBE_SEED)
    dots = [float(values @ random.vector(len(values), 1.0)) for _ in range(PROBES)]
    return f"{name} {len(values)} probes " + " ".join(repr(x) for x in [float(values @ values), *dots])


def run(case, seed):
    hidden, inputs, layers, batch, length, initial, gain = case
    outputs = 2
    random = Uniform(seed)
    lstm = torch.nn.LSTM(inputs, hidden, layers, batch_first=True, dtype=torch.float64)
    scale = gain / np.sqrt(hidden)
    sizes = [p.numel() for p in lstm.parameters()]
    flat = random.vector(sum(sizes), scale)
    for parameter, part in zip(lstm.parameters(), flat.split(sizes)):
        parameter.data = part.reshape(parameter.shape).clone()
    head_weight = random.vector(outputs * hidden, 1.0).reshape(outputs, hidden)
    head_bias = random.vector(outputs, 1.0)
    x = random.vector(batch * length * inputs, 2.0).reshape(batch, length, inputs).requires_grad_()
    states = [random.vector(layers * batch * hidden, 1.0).reshape(layers, batch, hidden) for _ in range(2)]
    cotangent = random.vector(batch * length * hidden, 1.0)
    h0, c0 = [(s if initial else torch.zeros_like(s)).requires_grad_() for s in states]
    every, (_, cell) = lstm(x, (h0, c0))
    last = every[:, -1]
    prediction = last @ head_weight.T + head_bias
    # The scalar of the backward pass: every step's cotangent, and on the last hidden state the first batch * hidden too.
    scalar = (every.reshape(-1) * cotangent).sum() + (last.reshape(-1) * cotangent[: batch * hidden]).sum()
    wanted = [*lstm.parameters(), x, h0, c0]
    pulled = torch.autograd.grad(scalar, wanted, retain_graph=True)
    count = len(sizes)
    # Samples do not mix, so one gradient of the batch's sum is every sample's row of the Jacobian.
    rows = [torch.autograd.grad(prediction[:, o].sum(), x, retain_graph=True)[0] for o in range(outputs)]
    arrays = {
        "outputs": prediction,
        "last_cell": cell,
        "d_weights": torch.cat([g.reshape(-1) for g in pulled[:count]]),
        "d_input": pulled[count],
        "d_initial_hidden": pulled[count + 1],
        "d_initial_cell": pulled[count + 2],
        "jacobian": torch.stack(rows, dim=1),
    }
    fields = " ".join(str(v) for v in case)
    return [f"case {fields} {seed}", *(summary(name, array) for name, array in arrays.items())]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(f"# lstm_golden.py, torch {torch.__version__.split('+')[0]}, numpy {np.__version__}, float64")
    print("# case: hidden input layers batch length initial gain seed")
    for seed, case in enumerate(CASES):
        sys.stdout.write("\n".join(run(case, 1000 + seed)) + "\n")


if __name__ == "__main__":
    main()
