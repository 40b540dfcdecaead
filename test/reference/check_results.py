"""Opens a result directory as its readers do and checks every table's columns and types.

    python test/reference/check_results.py out

Needs pyarrow, pandas, duckdb, safetensors; onnx and onnxruntime when the directory holds onnx/model.onnx. Written with
pyarrow 26.0.1, pandas 3.1.1, duckdb 2.0.0, safetensors 0.8.0, onnx 1.23.2, onnxruntime 1.31.1. The lists below are what
readers rely on and are kept by hand, apart from packages/store/src/schema.ts, so that a change there shows here.
"""

import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

# s string, d double, i int32, D date, b boolean; ? may be null (doubles always may).
TABLES = {
    "exposures": "asset:s date:D factor:s method:s kind:s fit:s in_sample:b exposure:d unit_exposure:d se:d lo:d hi:d "
    "regime_share:d status:s",
    "lags": "asset:s factor:s method:s fit:s lag:i exposure:d unit_exposure:d lo:d hi:d status:s",
    "summary": "asset:s factor:s method:s fit:s mean_exposure:d latest_exposure:d unit_exposure:d lo:d hi:d sign:i "
    "p_value:d q_value:d selected:b status:s peak_lag:i? peak_lag_lo:i? peak_lag_hi:i? half_life:d half_life_lo:d half_life_hi:d "
    "threshold:d threshold_lo:d threshold_hi:d "
    "threshold_variable:s? threshold_unit:s? threshold_p_value:d top_interaction:s? in_regime:b?",
    "interactions": "asset:s factor:s partner:s product:d lo:d hi:d p_value:d q_value:d selected:b method:s? "
    "cross_partial:d joint_shock:d",
    "evaluation": "asset:s method:s fold:s horizon:i n:i r2_oos:d hedge_variance_reduction:d dm_stat:d dm_p_value:d "
    "cw_stat:d cw_p_value:d",
    "diagnostics": "asset:s method:s fit:s observations:i status:s remedy:s? condition_number:d residual_autocorrelation:d "
    "autocorrelated_share:d unstable_share:d facts:s?",
    "chosen": "asset:s fit:s method:s weight:d reason:s",
    "factors": "factor:s fit:s role:s unit:s transform:s mean:d sd:d release_lag:i source:s",
}
ARROW = {"s": "string", "d": "double", "i": "int32", "D": "date32[day]", "b": "bool"}
DUCKDB = {"s": "VARCHAR", "d": "DOUBLE", "i": "INTEGER", "D": "DATE", "b": "BOOLEAN"}
FIRST_DATE, LAST_DATE = pd.Timestamp("1850-01-01"), pd.Timestamp("2100-01-01")


def columns_of(table):
    for text in TABLES[table].split():
        name, kind = text.split(":")
        yield name, kind[0], kind.endswith("?") or kind[0] == "d"


def check_table(directory, table):
    file = directory / f"{table}.parquet"
    expected = list(columns_of(table))

    schema = pq.read_schema(file)
    assert schema.names == [name for name, _, _ in expected], f"{table}: columns {schema.names}"
    for name, kind, nullable in expected:
        field = schema.field(name)
        assert str(field.type) == ARROW[kind], f"{table}.{name}: {field.type}"
        assert field.nullable == nullable, f"{table}.{name}: nullable is {field.nullable}"

    frame = pd.read_parquet(file)
    for name, kind, _ in expected:
        if kind == "d":
            assert frame[name].dtype == np.float64, f"{table}.{name}: {frame[name].dtype} in pandas"
            assert not np.isinf(frame[name]).any(), f"{table}.{name} holds an infinity"
        if kind == "D" and len(frame):
            dates = pd.to_datetime(frame[name])
            assert dates.between(FIRST_DATE, LAST_DATE).all(), f"{table}.{name} holds dates out of range"
    check_intervals(table, frame)

    relation = duckdb.sql(f"select * from '{file}'")
    assert [str(kind) for kind in relation.types] == [DUCKDB[kind] for _, kind, _ in expected], f"{table}: {relation.types}"
    assert duckdb.sql(f"select count(*) from '{file}'").fetchall()[0][0] == len(frame)
    for name, kind, _ in expected:
        nulls = duckdb.sql(f"select count(*) - count({name}) from '{file}'").fetchall()[0][0]
        assert nulls == frame[name].isna().sum(), f"{table}.{name}: DuckDB and pandas count different nulls"
    return frame


def check_intervals(table, frame):
    """Intervals are ordered and hold their estimate."""
    centre = {"exposures": "exposure", "lags": "exposure", "summary": "mean_exposure"}.get(table)
    if centre is None:
        return
    known = frame[[centre, "lo", "hi"]].dropna()
    slack = 1e-12 + 1e-9 * known[centre].abs()
    inside = (known["lo"] <= known[centre] + slack) & (known[centre] <= known["hi"] + slack)
    assert inside.all(), f"{table}: {(~inside).sum()} intervals do not hold their estimate"


def check_model(directory):
    from safetensors.numpy import load_file

    document = json.loads((directory / "model.json").read_text())
    tensors = load_file(directory / document["tensors"]["file"])
    assert document["schema_version"] == 1
    for name, values in tensors.items():
        rows = values.reshape(len(values), -1)
        # A row of NaN stands for an asset that could not be estimated.
        assert (np.isfinite(rows).all(axis=1) | np.isnan(rows).all(axis=1)).all(), name
    assert len(document["info"]["factors"]) == len(tensors["scaler.mean"])
    return f"{document['method']}, {len(tensors)} tensors"


def check_onnx(file):
    import onnx
    import onnxruntime

    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert model.ir_version == 8 and model.opset_import[0].version == 17
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    factors, assets = json.loads(metadata["factors"]), json.loads(metadata["assets"])
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for batch, time in [(1, int(metadata["lookback"])), (7, 1), (3, 2 * int(metadata["lookback"]))]:
        window = np.random.default_rng(1).normal(size=(batch, time, len(factors))).astype(np.float32)
        (returns,) = session.run(None, {session.get_inputs()[0].name: window})
        assert returns.shape == (batch, len(assets)) and np.isfinite(returns).all()
    return f"{len(factors)} series -> {len(assets)} assets, lookback {metadata['lookback']}"


def main(directory):
    for table in TABLES:
        frame = check_table(directory, table)
        print(f"{table}: {len(frame)} rows, {len(frame.columns)} columns")
    for model in sorted(directory.glob("models/**/model.json")):
        print(f"{model.parent.relative_to(directory)}: {check_model(model.parent)}")
    for file in sorted(directory.glob("onnx/model.onnx")):
        print(f"{file.relative_to(directory)}: {check_onnx(file)}")
    run = json.loads((directory / "run.json").read_text())
    print(f"run.json: {run['status']}, {len(run['warnings'])} warnings")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python check_results.py <result directory>")
    main(Path(sys.argv[1]))
