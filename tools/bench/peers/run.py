"""The kernel beside its peers on the same work: `npm run bench:peers -- [options]`, or `python3 tools/bench/peers/run.py`.

It makes a virtual environment in .venv/peers (or takes the interpreter of --python as it is), times the kernel and every
peer that can be imported, each in a process of its own with memory kept from call to call, checks that all give the same
numbers, prints the table of ratios and writes it to docs/performance-table.md. Needs Python alone.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]

# Peers by script: the modules that they need (of Node: a folder of node_modules).
PEERS = {
    "torch_peer.py": ["torch", "numpy"],
    "jax_peer.py": ["jax", "numpy"],
    "keras_peer.py": ["keras", "jax"],
    "onnx_peer.py": ["onnxruntime", "onnx"],
    "tfjs_peer.mjs": ["@tensorflow/tfjs-backend-wasm"],
    "linear.py": ["numpy"],
}

# Freed memory stays with the process: no block is mapped and returned, as the first touch of fresh pages costs many times a
# write. An allocator that keeps its pages is taken where the machine has one.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}
ALLOCATORS = ["libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libjemalloc.so.2"]

# Float32 through up to 24 steps, in another order of sums; of training, through Adam's division by small second moments.
BOUND = 1e-4
TRAINING_BOUND = 1e-3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="interpreter whose packages are used as they are, instead of an environment")
    parser.add_argument("--rows", help="rows of `npm run bench -- --json --probes`, or of the bench example in native")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="W1,W2,W3,W4,W5")
    parser.add_argument("--peers", default="", help="some of " + ", ".join(Path(name).stem for name in PEERS))
    parser.add_argument("--quick", action="store_true", help="sizes that say that everything runs, and nothing about speed")
    parser.add_argument("--table", default=str(ROOT / "docs" / "performance-table.md"))
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment():
    """Interpreter of the project's own environment, made on first use."""
    folder, wanted = ROOT / ".venv" / "peers", HERE / "requirements.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return python
    say(f"Making a virtual environment in {folder}")
    venv.create(folder, with_pip=True)
    # Where PyTorch's own index can't be reached, the package registry's build serves as well.
    processors_only = ["--retries", "0", "--extra-index-url", "https://download.pytorch.org/whl/cpu"]
    for extra in (processors_only, []):
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *extra, "-r", wanted]
        if subprocess.run(install, stdout=sys.stderr).returncode == 0:
            shutil.copyfile(wanted, stamp)
            return python
    # Whatever is there is compared; what is missing is named.
    return python


def missing(python, script, modules):
    """Why a peer can't be run, or None."""
    if not (HERE / script).exists():
        return "no script"
    if script.endswith(".mjs"):
        if not shutil.which("node"):
            return "no Node"
        absent = [name for name in modules if not (ROOT / "node_modules" / name).exists()]
    else:
        test = f"import importlib.util as u; print([m for m in {modules!r} if u.find_spec(m) is None])"
        absent = json.loads(subprocess.check_output([python, "-c", test], text=True).replace("'", '"'))
    return f"{', '.join(absent)} not installed" if absent else None


def rows_of(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def kernel_rows(chosen):
    if chosen.rows:
        return rows_of(Path(chosen.rows).read_text())
    command = ["node", "tools/bench/run.mjs", "--json", "--probes", "--threads", chosen.threads, "--only", chosen.only]
    say("Timing the kernel")
    return rows_of(subprocess.check_output([*command, *(["--quick"] if chosen.quick else [])], cwd=ROOT, text=True))


def peer_rows(chosen, python, script, threads, steps):
    env = {**os.environ, **KEEP_MEMORY, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = [path for name in ALLOCATORS for path in Path("/usr/lib").glob(f"*/{name}")]
    if found and script.endswith(".py"):
        env["LD_PRELOAD"] = str(found[0])
        env["TCMALLOC_RELEASE_RATE"] = "0"
        env["MALLOC_CONF"] = "dirty_decay_ms:-1,muzzy_decay_ms:-1"
    command = [python if script.endswith(".py") else "node", HERE / script, "--threads", str(threads), "--only", chosen.only]
    command += ["--steps", json.dumps(steps), *(["--quick"] if chosen.quick else [])]
    say(f"Timing {script} on {threads} thread{'s' if threads > 1 else ''}")
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        say(f"{script} failed:\n{done.stderr[-2000:]}")
    return rows_of(done.stdout)


def difference(kernel, peer):
    """Largest difference over the largest value of what both rows hold; None where nothing can be compared."""
    pairs = list(zip(kernel.get("probe", []), peer.get("probe", [])))
    if not pairs:
        return None
    return max(abs(a - b) for a, b in pairs) / max(max(abs(a) for a, _ in pairs), 1e-30)


def compare(kernel, peers):
    """The table's rows: every row of the kernel's with the peers that did the same work; peers that disagree."""
    table, wrong = [], []
    for own in kernel:
        same = [
            peer
            for peer in peers
            if (peer["workload"], peer["threads"]) == (own["workload"], own["threads"])
            and peer.get("shape", own["shape"]) == own["shape"]
        ]
        for peer in same:
            error = difference(own, peer)
            bound = TRAINING_BOUND if own["workload"].startswith(("W1b", "W3t")) else BOUND
            if error is not None and not error <= bound:
                wrong.append(f"{peer['peer']}, {own['workload']}: differs by {error:.1e} of the largest value")
        table.append((own, sorted(same, key=lambda peer: peer["median_s"])))
    return table, wrong


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0]}, {len(names)} processors" if names else platform.processor()


def seconds(value):
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def markdown(table, notes, quick):
    lines = [
        "# The kernel beside its peers",
        "",
        f"One run of `npm run bench:peers{' -- --quick' if quick else ''}` on {processor()}. A ratio is the strongest peer's",
        "time over the kernel's. `% of peak`: of the fused products that the processor can do, measured in the same run.",
        "Peers keep their memory from call to call; results agree with the kernel's wherever both give them.",
        "",
        "| workload | shape | threads | kernel | % of peak | strongest peer | ratio | others |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for own, peers in table:
        share = own.get("percent_of_peak")
        cells = [own["workload"], own["shape"], str(own["threads"]), seconds(own["median_s"])]
        cells.append("-" if share is None else f"{share:.0f}")
        if peers:
            best, *others = peers
            cells += [f"{best['peer']} {seconds(best['median_s'])}", f"{best['median_s'] / own['median_s']:.1f}"]
            cells.append(", ".join(f"{peer['peer']} {seconds(peer['median_s'])}" for peer in others) or "-")
        else:
            cells += ["-", "-", "-"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def main():
    chosen = arguments()
    wanted = {f"{name}.{end}" for name in chosen.peers.split(",") if name for end in ("py", "mjs")}
    python = chosen.python or environment()
    kernel = kernel_rows(chosen)
    notes, peers = [], []
    for script, modules in PEERS.items():
        if wanted and script not in wanted:
            continue
        absent = missing(python, script, modules)
        if absent:
            notes.append(f"Left out: {Path(script).stem} ({absent}).")
            continue
        for threads in map(int, chosen.threads.split(",")):
            steps = {row["shape"]: row["steps"] for row in kernel if row.get("steps") and row["threads"] == threads}
            peers += peer_rows(chosen, python, script, threads, steps)
    notes += [f"{row['peer']}, {row['workload']}: {row['error']}" for row in peers if "error" in row]
    peers = [row for row in peers if "error" not in row]
    table, wrong = compare(kernel, peers)
    text = markdown(table, [*notes, *(f"Disagrees: {line}." for line in wrong)], chosen.quick)
    Path(chosen.table).write_text(text)
    print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
