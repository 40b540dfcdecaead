"""
Writes the Parquet and Arrow files that packages/data/test reads: what pandas users have.

Usage: python data_parquet.py, with pandas and pyarrow installed; versions go into the files' own metadata.
"""

import pathlib

import pandas as pd
import pyarrow
import pyarrow.ipc

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


if __name__ == "__main__":
    main()
