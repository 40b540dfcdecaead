"""Golden file of the ONNX export: a small LSTM ensemble and its returns by PyTorch.

    python test/reference/onnx_golden.py

Writes packages/onnx/test/golden/lstm_returns.json. The returns are those of check_onnx.py: torch.nn.LSTM, lag filters
and heads in float64, on weights rounded to float32.
"""

import json
from pathlib import Path

import numpy as np
import torch

from check_onnx import returns

SEED = 20260921
OUT = Path(__file__).parents[2] / "packages" / "onnx" / "test" / "golden" / "lstm_returns.json"
ROWS, SERIES, ASSETS, HIDDEN, FILTERS, LAGS = 40, 4, 3, 5, 2, 13
COLUMNS, WINDOW_COLUMNS, FLAGGED = [0, 1, 3], [0, 1, 3, 2], [3, 0]
LOOKBACKS = [12, 1, 20]


def member_tensors(random, prefix):
    inputs, features = SERIES + len(FLAGGED), len(COLUMNS) + HIDDEN + FILTERS
    draw = lambda sd, *shape: (sd * random.normal(size=shape)).astype(np.float32).astype(np.float64)
    own = {
        "weight_ih": draw(0.8, 4 * HIDDEN, inputs),
        "weight_hh": draw(0.4, 4 * HIDDEN, HIDDEN),
        "bias": draw(0.5, 4 * HIDDEN),
        "lag_filters": draw(0.3, LAGS, len(COLUMNS), FILTERS),
        "feature_mean": draw(0.2, features),
        "heads": draw(0.4, ASSETS, features),
    }
    return {f"{prefix}.{name}": values for name, values in own.items()}


def raw_inputs(random, mean, sd):
    values = mean + sd * random.normal(size=(ROWS, SERIES))
    values[:15, 3] = np.nan  # starts late
    values[random.random(values.shape) < 0.05] = np.nan
    return values.astype(np.float32).astype(np.float64)


def windows(values, length):
    """[row, length, series]; rows before the first are missing."""
    padded = np.vstack([np.full((length - 1, SERIES), np.nan), values])
    return np.stack([padded[row : row + length] for row in range(len(values))])


def main():
    random = np.random.default_rng(SEED)
    tensors = {
        "scaler.mean": 3 * random.normal(size=SERIES),
        "scaler.sd": 0.5 + random.random(SERIES),
        "return_mean": 0.01 * random.normal(size=ASSETS),
        "return_sd": 0.02 + 0.05 * random.random(ASSETS),
    }
    members = []
    for index, lookback in enumerate(LOOKBACKS):
        tensors |= member_tensors(random, f"members.{index}")
        sizes = {"hidden_size": HIDDEN, "input_size": SERIES + len(FLAGGED), "lag_count": LAGS, "filter_count": FILTERS}
        members.append({"lookback": lookback, **sizes})
    parameters = {"columns": COLUMNS, "window_columns": WINDOW_COLUMNS, "flagged": FLAGGED, "members": members}
    values = raw_inputs(random, tensors["scaler.mean"], tensors["scaler.sd"])
    window = torch.from_numpy(windows(values, max(*LOOKBACKS, LAGS)))
    expected = returns({"parameters": parameters}, {name: torch.from_numpy(x) for name, x in tensors.items()}, window)
    golden = {
        "generator": f"test/reference/onnx_golden.py, torch {torch.__version__}, numpy {np.__version__}",
        "seed": SEED,
        "parameters": parameters,
        "tensors": {name: x.ravel().tolist() for name, x in tensors.items()},
        "inputs": [None if np.isnan(x) else x for x in values.ravel().tolist()],
        "returns": expected.numpy().ravel().tolist(),
    }
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
