"""Golden p-values of the model confidence set: packages/evaluation/test/golden/confidence_set.json.

Generator: arch (Hansen, Lunde and Nason 2011, method "max", circular block bootstrap). Losses of five methods over 240
periods with a common part, one of them clearly worse and one a little.
"""
import json
import pathlib

import arch
import numpy as np
from arch.bootstrap import MCS

rng = np.random.default_rng(7)
periods, methods, block, replications = 240, 5, 7, 20000
common = rng.normal(size=periods)
own = rng.normal(size=(periods, methods))
for t in range(1, periods):
    own[t] += 0.3 * own[t - 1]
losses = 2 + 0.5 * common[:, None] + 0.6 * own + np.array([0.0, 0.05, 0.12, 0.1, 0.5])
mcs = MCS(losses, size=0.1, reps=replications, block_size=block, method="max", bootstrap="circular", seed=11)
mcs.compute()
out = {
    "generator": f"arch {arch.__version__}, numpy {np.__version__}, seeds 7 and 11, {replications} replications",
    "block_length": block,
    "losses": [[round(float(x), 6) for x in losses[:, m]] for m in range(methods)],
    "p_values": [float(mcs.pvalues.loc[m, "Pvalue"]) for m in range(methods)],
}
target = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/golden/confidence_set.json"
target.write_text(json.dumps(out) + "\n")
print(out["p_values"])
