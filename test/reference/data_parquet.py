"""
Writes the Parquet and Arrow files that packages/data/test reads: what pandas users have.

Usage: python data_parquet.py, with pandas, pyarrow and polars installed; versions go into the files' own metadata.
"""

import decimal
import pathlib

import pandas as pd
import polars as pl
import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packages/data/test/golden"
MONTHS = pd.date_range("2020-01-31", periods=4, freq="ME")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wide = pd.DataFrame({"date": MONTHS, "A": [1, 2, 3, 4], "B": [0.5, None, -3e2, 0.1]})
    wide.to_parquet(FOLDER / "wide.parquet", index=False, compression="snappy")
    wide.assign(date=MONTHS.date).to_parquet(FOLDER / "wide_gzip.parquet", index=False, compression="gzip")
    pandas_feather = {"wide.arrow": "uncompressed", "wide_lz4.feather": "lz4"}
    for name, compression in pandas_feather.items():
        wide.to_feather(FOLDER / name, compression=compression)
    with pyarrow.OSFile(str(FOLDER / "long.arrows"), "wb") as sink:
        table = pyarrow.Table.from_pandas(wide.melt("date", var_name="series"), preserve_index=False)
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    long = wide.melt("date", var_name="series")
    long.assign(date=long["date"].dt.strftime("%Y-%m-%d")).to_parquet(FOLDER / "long.parquet", index=False)
    write_packed()
    write_typed()


def write_packed() -> None:
    """2,000 days that every codec makes smaller; the numbers are those that packed.test.ts computes."""
    days = pd.date_range("2000-01-01", periods=2000, freq="D")
    rows = range(len(days))
    daily = pd.DataFrame({"date": days, "A": [i % 7 for i in rows], "B": [(i * i % 97) / 8 for i in rows]})
    for compression in ("lz4", "zstd"):
        daily.to_feather(FOLDER / f"packed_{compression}.feather", compression=compression)
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pandas(daily, preserve_index=False),
            FOLDER / f"packed_{compression}.parquet",
            compression=compression,
            use_dictionary=False,
        )
        pl.from_pandas(daily).with_columns(pl.col("date").cast(pl.Date)).write_ipc(
            FOLDER / f"polars_{compression}.arrow", compression=compression
        )


def write_typed() -> None:
    """What pandas and pyarrow users have: an index without a name, decimals, categories, small and large integers."""
    pd.DataFrame({"A": [1, 2, 3, 4]}, index=MONTHS.rename(None)).to_parquet(FOLDER / "index.parquet")
    columns = {
        "date": pyarrow.array(MONTHS.strftime("%Y-%m-%d")).dictionary_encode(),
        "A": pyarrow.array([decimal.Decimal(i) / 4 for i in range(4)], type=pyarrow.decimal128(10, 2)),
        "B": pyarrow.array([2**40, None, 0, -1]),
        "C": pyarrow.array([0.5, float("nan"), 2, 4], type=pyarrow.float32()),
        "D": pyarrow.array([1, 2, 3, 4], type=pyarrow.int8()),
    }
    for name, other in {"typed": {}, "infinite": {"E": [1.0, float("inf"), 2, 3]}, "logical": {"E": [True] * 4}}.items():
        pyarrow.parquet.write_table(pyarrow.table(columns | other), FOLDER / f"{name}.parquet")
    pyarrow.feather.write_feather(pyarrow.table(columns), FOLDER / "typed.feather")
    zoned = {**columns, "date": pyarrow.array(MONTHS.tz_localize("America/New_York"))}
    pyarrow.parquet.write_table(pyarrow.table(zoned), FOLDER / "zoned.parquet")


if __name__ == "__main__":
    main()
