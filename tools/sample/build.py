"""
Builds packages/data/sample from data files that open-source packages ship.

Usage: python3 tools/sample/build.py [--downloads FOLDER]
Needs Debian's apt-get and dpkg, and pip. Writes the same bytes every time; DATA_CARD.md and config.yaml there are
written by hand and left alone.
"""

import argparse
import calendar
import pathlib
import tempfile

from computed import bond_return, simple_return
from sources import DEBIAN_PACKAGE, WHEELS, download, licence, read_csv, read_fred

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "packages/data/sample"
MACRO = "CPIAUCSL CPILFESL INDPRO UNRATE PAYEMS FEDFUNDS TB3MS GS1 GS10 AAA BAA".split()
MACRO += "TWEXMMTH EXJPUS EXUSUK MCOILWTICO M2SL HOUST".split()
START = (1947, 1)
END = (2022, 9)
FACTORS = {"MktRF": "Mkt-RF", "SMB": "SMB", "HML": "HML", "RF": "RF"}

Month = tuple[int, int]
Columns = dict[str, dict[Month, str]]


def decimal(value: float) -> str:
    """Six decimals without trailing zeros."""
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")


def write(name: str, columns: Columns, months_per_row: int = 1) -> None:
    """Wide csv, one row a period, dated by its last day; cells outside a series' life stay empty."""
    months = sorted({m for column in columns.values() for m in column if START <= m <= END})
    lines = ["date," + ",".join(columns)]
    for year, period in months:
        month = period * months_per_row
        day = calendar.monthrange(year, month)[1]
        cells = [column.get((year, period), "") for column in columns.values()]
        lines.append(f"{year}-{month:02d}-{day:02d}," + ",".join(cells))
    (SAMPLE / name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines) - 1} rows, {len(columns)} series")


def write_macro(fred: Columns) -> None:
    write("macro.csv", {name: fred[name] for name in MACRO})
    write("gdp.csv", {"GDPC1": fred["GDPC1"]}, months_per_row=3)


def month_of(label: str) -> Month:
    """Month of `1949-01-01` or `192607`."""
    digits = label.replace("-", "")
    return int(digits[:4]), int(digits[4:6])


def write_portfolios(folder: pathlib.Path) -> None:
    """Industries and portfolios, whose first-of-month labels mean that month's return; the factors."""
    rows = read_csv(folder, "linearmodels/datasets/french/french.csv.bz2")
    french = {name: {month_of(r["dates"]): decimal(float(r[name])) for r in rows} for name in rows[0] if name != "dates"}
    not_assets = {"MktRF", "SMB", "HML", "Mom", "RF"}
    write("returns.csv", {name: column for name, column in french.items() if name not in not_assets})
    longer = read_csv(folder, "arch/data/frenchdata/frenchdata.csv.gz")
    factors = {to: {month_of(r["Date"]): decimal(float(r[of]) / 100) for r in longer} for to, of in FACTORS.items()}
    write("french_factors.csv", {**factors, "MOM": french["Mom"]})


def month_end_returns(rows: list[dict[str, str]]) -> Columns:
    """Simple returns between the last daily prices of consecutive months. A month cut short at the file's end counts
    as complete here; END lies before it."""
    last_row = {month_of(row["Date"]): row for row in rows}
    months = sorted(last_row)
    names = [name for name in rows[0] if name != "Date"]
    pairs = list(zip(months, months[1:]))
    return {
        name: {m: decimal(simple_return(float(last_row[p][name]), float(last_row[m][name]))) for p, m in pairs}
        for name in names
    }


def write_stocks(folder: pathlib.Path) -> None:
    write("stocks.csv", month_end_returns(read_csv(folder, "skfolio/datasets/data/sp500_dataset.csv.gz")))
    write("sp500.csv", month_end_returns(read_csv(folder, "skfolio/datasets/data/sp500_index.csv.gz")))


def write_computed(fred: Columns) -> None:
    def changes(series: str, function) -> dict[Month, str]:
        values = {month: float(text) for month, text in fred[series].items()}
        months = sorted(values)
        return {m: decimal(function(values[p], values[m])) for p, m in zip(months, months[1:])}

    columns = {
        "BOND10": changes("GS10", lambda old, new: bond_return(old / 100, new / 100)),
        "GBP_CASH": changes("EXUSUK", simple_return),
        # EXJPUS counts yen per dollar, so the dollar value of a yen is its inverse.
        "JPY_CASH": changes("EXJPUS", lambda old, new: simple_return(1 / old, 1 / new)),
    }
    write("computed.csv", columns)


def write_licences(folder: pathlib.Path) -> None:
    parts = [f"Licences of the packages that the sample's raw data were taken from ({DEBIAN_PACKAGE}: see DATA_CARD.md)."]
    for wheel in WHEELS:
        text = "\n".join(line.rstrip() for line in licence(folder, wheel.split("==")[0]).strip().splitlines())
        parts.append(f"{'=' * 100}\n{wheel}\n{'=' * 100}\n{text}")
    (SAMPLE / "LICENSES.txt").write_text("\n\n".join(parts) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds packages/data/sample.")
    parser.add_argument("--downloads", type=pathlib.Path, help="keep and reuse the downloaded packages in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.downloads or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        SAMPLE.mkdir(parents=True, exist_ok=True)
        download(folder)
        fred = read_fred(folder, [*MACRO, "GDPC1"])
        write_macro(fred)
        write_portfolios(folder)
        write_stocks(folder)
        write_computed(fred)
        write_licences(folder)


if __name__ == "__main__":
    main()
