"""Cumulative exposures from exposures.onnx with pandas: python exposures.py exposures.onnx window.csv"""

import json
import sys

import numpy as np
import onnxruntime
import pandas as pd

session = onnxruntime.InferenceSession(sys.argv[1])
window = pd.read_csv(sys.argv[2], index_col="date")  # raw values in the factors' own units, oldest first
about = session.get_modelmeta().custom_metadata_map
assets = json.loads(about["assets"])
factors = [factor["name"] for factor in json.loads(about["factors"]) if factor["role"] == "factor"]
inputs = {"factors": window.to_numpy(np.float32)[None], "assets": np.arange(len(assets))}
(exposures,) = session.run(["cumulative"], inputs)
table = pd.DataFrame(exposures[0], index=assets, columns=factors)  # decimal return per training SD
table.to_csv(sys.stdout, header=False, index=False)
