"""Long memory: an effect planted 24 months back, learned by a plain RNN and by an LSTM of PyTorch on the same data.

Writes packages/evaluation/test/golden/memory.json: the factors, each asset's coefficient, and what either network makes of
the lags, averaged over dates. Needs numpy and torch: python test/reference/memory_golden.py

Returns are r_it = b_i z_{t-24,0} + noise with R2 .3; the factors are independent over time, so that no other lag says
anything of lag 24, and the second one is a distraction. Windows hold 25 months, the oldest first. Both networks have 16
units, PyTorch's own initial weights (the LSTM's forget bias at 1 besides), Adam on all rows, noise .1 on the inputs, and one
coefficient an asset on one common output; each is trained at three step sizes, and the one that explains the last fifth of the
training rows best is kept, with the weights of its best step.
"""

import json
import pathlib

import numpy as np
import torch

SEED = 24
ROWS, TRAIN, ASSETS, FACTORS, LAG, WINDOW, UNITS = 600, 420, 40, 2, 24, 25, 16
R2 = 0.3
STEPS = 1000
STEP_SIZES = [0.003, 0.01, 0.03]
TARGET = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/golden/memory.json"


def world(rng):
    z = np.round(rng.standard_normal((ROWS, FACTORS)), 4)
    b = np.round(1 + 0.3 * rng.standard_normal(ASSETS), 4)
    signal = np.zeros((ROWS, ASSETS))
    signal[LAG:] = z[:-LAG, :1] * b
    noise = rng.standard_normal((ROWS, ASSETS)) * np.abs(b) * np.sqrt((1 - R2) / R2)
    return z, b, signal + noise


class Network(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.core = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[kind](FACTORS, UNITS, batch_first=True)
        if kind == "lstm":
            with torch.no_grad():
                self.core.bias_ih_l0[UNITS : 2 * UNITS] = 1.0
        self.out = torch.nn.Linear(UNITS, 1)
        self.heads = torch.nn.Parameter(torch.ones(ASSETS))

    def common(self, windows):
        hidden, _ = self.core(windows)
        return self.out(hidden[:, -1])

    def forward(self, windows):
        return self.common(windows) * self.heads


def train(kind, windows, returns, step_size):
    torch.manual_seed(SEED)
    network = Network(kind)
    optimiser = torch.optim.Adam(network.parameters(), lr=step_size)
    cut = int(0.8 * len(windows))
    best, kept = np.inf, None
    for _ in range(STEPS):
        optimiser.zero_grad()
        noisy = windows[:cut] + 0.1 * torch.randn_like(windows[:cut])
        loss = ((network(noisy) - returns[:cut]) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            error = ((network(windows[cut:]) - returns[cut:]) ** 2).mean().item()
        if error < best:
            best, kept = error, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    return best, network


def lag_profile(network, windows):
    """Mean over windows of d E[r_i] / d z by lag, first factor, mean over assets; lag 0 first."""
    windows = windows.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(network.common(windows).sum(), windows)
    mean = slope[:, :, 0].mean(0).flip(0) * network.heads.mean().detach()
    return [round(float(x), 4) for x in mean]


def main():
    torch.set_num_threads(1)
    z, b, r = world(np.random.default_rng(SEED))
    windows = torch.tensor(np.stack([z[t - WINDOW + 1 : t + 1] for t in range(WINDOW - 1, ROWS)]), dtype=torch.float32)
    returns = torch.tensor(r[WINDOW - 1 :], dtype=torch.float32)
    returns = returns / returns.std()
    scale = float(torch.tensor(r[WINDOW - 1 :], dtype=torch.float32).std())
    seen, later = slice(0, TRAIN - WINDOW + 1), slice(TRAIN - WINDOW + 1, None)
    found = {}
    for kind in ["rnn", "lstm"]:
        tried = [train(kind, windows[seen], returns[seen], step) for step in STEP_SIZES]
        error, network = min(tried, key=lambda one: one[0])
        profile = [round(scale * x, 4) for x in lag_profile(network, windows[later])]
        found[kind] = {"validation_errors": [round(one[0], 4) for one in tried], "profile": profile}
        print(kind, found[kind])
    about = {"generator": "test/reference/memory_golden.py", "torch": torch.__version__, "numpy": np.__version__, "seed": SEED}
    golden = {**about, "lag": LAG, "train": TRAIN, "r2": R2, "factors": FACTORS, "z": z.ravel().tolist(), "b": b.tolist(), **found}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
