"""
The sample's panel computed a second time, with pandas: packages/data/test compares its own with every seventh row.

Usage: python panel_golden.py. Deterministic; the versions of Python and pandas go into the file's first line.
"""

import json
import pathlib
import platform

import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parents[2] / "packages/data"
ASSETS = ["NoDur", "Utils", "S1V5", "AAPL", "XOM", "SP500", "BOND10", "JPY_CASH"]
EVERY = 7


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "sample" / name, index_col=0, parse_dates=True)


def dlog(x: pd.Series) -> pd.Series:
    return 100 * np.log(x).diff()


def factors(macro: pd.DataFrame) -> pd.DataFrame:
    inflation = 100 * (macro.CPIAUCSL / macro.CPIAUCSL.shift(12) - 1)
    gdp = read("gdp.csv").GDPC1
    return pd.DataFrame(
        {
            "INFL": inflation.diff(),
            "POLICY": macro.FEDFUNDS.diff(),
            "RATE10": macro.GS10.diff(),
            "CREDIT": (macro.BAA - macro.AAA).diff(),
            "UNEMP": macro.UNRATE.diff(),
            "GROWTH": dlog(macro.INDPRO),
            "MONEY": dlog(macro.M2SL),
            "GBP": dlog(macro.EXUSUK),
            "JPY": dlog(1 / macro.EXJPUS),
            "USD": dlog(macro.TWEXMMTH),
            "OIL": dlog(macro.MCOILWTICO),
            "INFL_LEVEL": inflation,
            "SLOPE": macro.GS10 - macro.FEDFUNDS,
            # A quarter's value stands at its last month and the two after it.
            "GDP": (100 * (gdp / gdp.shift(4) - 1)).reindex(macro.index).ffill(limit=2),
        }
    )


def assets(macro: pd.DataFrame) -> pd.DataFrame:
    bill = macro.TB3MS.shift(1) / 1200
    computed = read("computed.csv")
    paying_bill = pd.concat([read("stocks.csv"), read("sp500.csv"), computed[["BOND10"]]], axis=1, sort=True)
    paying_bill = paying_bill.sub(bill.reindex(paying_bill.index), axis=0)
    portfolios = read("returns.csv").sub(read("french_factors.csv").RF, axis=0)
    return pd.concat([portfolios, paying_bill, computed[["GBP_CASH", "JPY_CASH"]]], axis=1, sort=True)


def main() -> None:
    macro = read("macro.csv")
    panel = pd.concat([factors(macro), assets(macro)[ASSETS]], axis=1).loc["1960":"2022-09"].iloc[::EVERY]
    golden = {
        "generator": "test/reference/panel_golden.py",
        "versions": {"python": platform.python_version(), "pandas": pd.__version__, "numpy": np.__version__},
        "every": EVERY,
        "columns": list(panel.columns),
        "rows": [[None if pd.isna(x) else x for x in row] for row in panel.to_numpy().tolist()],
    }
    head, rows = json.dumps({k: v for k, v in golden.items() if k != "rows"}), golden["rows"]
    text = head[:-1] + ', "rows": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n"
    folder = ROOT / "test/golden"
    folder.mkdir(exist_ok=True)
    (folder / "panel.json").write_text(text)


if __name__ == "__main__":
    main()
