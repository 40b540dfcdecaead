"""Compares onnx/model.onnx of a result directory with PyTorch's own LSTM fed with the weights in models/lstm.

    python test/reference/check_onnx.py out

Before that every .onnx file of the directory goes through onnx.checker with strict shape inference.

Nothing of macrograd runs here: model.safetensors -> torch.nn.LSTM, lag filters and heads in float64, and model.onnx ->
ONNX Runtime must agree on random windows with missing values. Written with torch 2.15.0, safetensors 0.8.0,
onnxruntime 1.31.1; seed 1.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file

# float32 in the graph against float64 here, relative to the largest return.
TOLERANCE = 1e-5
BATCH = 64


def hidden_state(tensors, member, steps):
    """Last hidden state [batch, H] of torch.nn.LSTM with the member's weights, float64."""
    lstm = torch.nn.LSTM(member["input_size"], member["hidden_size"], batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(tensors["weight_ih"])
        lstm.weight_hh_l0.copy_(tensors["weight_hh"])
        lstm.bias_ih_l0.copy_(tensors["bias"])
        lstm.bias_hh_l0.zero_()
        return lstm(steps[:, -member["lookback"] :])[1][0][0]


def returns(document, tensors, window):
    """Returns [batch, asset] of the ensemble for raw windows [batch, time, series], written from the definition."""
    parameters = document["parameters"]
    z = (window - tensors["scaler.mean"]) / tensors["scaler.sd"]
    observed = (~z.isnan()).double()
    limit = parameters.get("input_limit", float("inf"))
    z = z.clamp(-limit, limit).nan_to_num(0)
    steps = torch.cat([z[:, :, parameters["window_columns"]], observed[:, :, parameters["flagged"]]], dim=2)
    linear = z[:, :, parameters["columns"]]
    total = 0
    for index, member in enumerate(parameters["members"]):
        own = {name.split(".")[2]: value.double() for name, value in tensors.items() if name.startswith(f"members.{index}.")}
        newest_first = linear.flip(1)[:, : member["lag_count"]]
        lags = torch.einsum("bkf,kfm->bm", newest_first, own["lag_filters"])
        features = torch.cat([linear[:, -1], hidden_state(own, member, steps), lags], dim=1)
        total = total + (features - own["feature_mean"]) @ own["heads"].T
    return tensors["return_mean"] + tensors["return_sd"] * total / len(parameters["members"])


def check_files(directory):
    """Every file is a valid model, with shapes and types that follow from its inputs."""
    for path in sorted(directory.rglob("*.onnx")):
        onnx.checker.check_model(path, full_check=True)
        onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
        print(f"{path.relative_to(directory)}: valid")


def main(directory):
    check_files(directory)
    document = json.loads((directory / "models/lstm/model.json").read_text())
    tensors = load_file(directory / "models/lstm/model.safetensors")
    session = onnxruntime.InferenceSession(directory / "onnx/model.onnx", providers=["CPUExecutionProvider"])
    lookback = int(session.get_modelmeta().custom_metadata_map["lookback"])
    random = np.random.default_rng(1)
    series = len(tensors["scaler.mean"])
    z = random.normal(size=(BATCH, lookback, series))
    window = tensors["scaler.mean"].numpy() + tensors["scaler.sd"].numpy() * z
    window[random.random(window.shape) < 0.05] = np.nan
    window = window.astype(np.float32)
    expected = returns(document, tensors, torch.from_numpy(window).double()).numpy()
    (actual,) = session.run(None, {"factors": window})
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    print(f"{actual.shape[1]} assets, lookback {lookback}: largest error {error:.2e} of the largest return")
    assert error <= TOLERANCE, "the exported graph is not the stored model"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python check_onnx.py <result directory>")
    main(Path(sys.argv[1]))
