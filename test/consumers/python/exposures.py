"""Cumulative exposures from out/onnx/exposures.onnx with pandas, for the window in window.csv."""

# docs
import json

import numpy as np, onnxruntime, pandas as pd

session = onnxruntime.InferenceSession("out/onnx/exposures.onnx")
window = pd.read_csv("window.csv", index_col="date")  # a column a series, raw, oldest row first
about = session.get_modelmeta().custom_metadata_map
assets = json.loads(about["assets"])
factors = [factor["name"] for factor in json.loads(about["factors"]) if factor["role"] == "factor"]
inputs = {"factors": window.to_numpy(np.float32)[None], "assets": np.arange(len(assets))}
exposures, se = session.run(["cumulative", "cumulative_se"], inputs)
table = pd.DataFrame(exposures[0], index=assets, columns=factors)  # decimal return per training SD
# end
print(table.to_csv(header=False, index=False), end="")
