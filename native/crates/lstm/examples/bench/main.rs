//! The rows of `npm run bench -- --json` without Node, for machines that have no more than Rust:
//! `cargo run --release --example bench -- [--quick] [--probes] [--threads 1,2] [--only W1a,W2,W3t,W5]`: workloads by their
//! first letters.
//!
//! Workloads, sizes, data and rows are those of tools/bench. W5 calls the fit itself on data of its own, so that
//! its steps differ from those of the simulated world there; they stand in the row.

mod closed_form;
mod workloads;

use std::time::Instant;

use macrograd_simd::{Isa, measure_peak};
use serde_json::{Value, json};

/// One timed piece of work.
pub struct Workload {
    /// As in tools/bench.
    pub name: &'static str,
    /// Sizes in words.
    pub shape: String,
    /// Of one call; none where the work depends on the data.
    pub flops: Option<f64>,
    /// Calls of one `run`.
    pub calls: usize,
    /// Timings, whose median counts.
    pub repeats: usize,
    /// Does the work; returns values of its result.
    pub run: Box<dyn FnMut() -> Outcome>,
}

/// What a run leaves.
#[derive(Default)]
pub struct Outcome {
    /// Evenly spaced values of the result.
    pub probe: Vec<f64>,
    /// Steps of a fit.
    pub steps: Option<usize>,
}

/// Numbers on [-scale, scale), the same as tools/bench/numbers.mjs draws for a seed.
pub fn filled(length: usize, scale: f64, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((f64::from(state) / f64::from(1_u32 << 31) - 1.0) * scale) as f32
    };
    (0..length).map(|_| next()).collect()
}

/// At most 64 evenly spaced values.
pub fn probe<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
    let count = values.len().min(64);
    (0..count).map(|i| values[i * values.len() / count].into()).collect()
}

struct Settings {
    quick: bool,
    probes: bool,
    threads: Vec<usize>,
    only: Vec<String>,
}

impl Settings {
    fn parse() -> Result<Self, String> {
        let mut settings = Self {
            quick: false,
            probes: false,
            threads: vec![1, 2],
            only: ["W1", "W2", "W3", "W5"].map(String::from).into(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut list = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => settings.quick = true,
                "--probes" => settings.probes = true,
                "--json" => {}
                "--only" => settings.only = list()?.split(',').map(String::from).collect(),
                "--threads" => {
                    let parse = |text: &str| text.parse().map_err(|_| format!("{text} is no number of threads"));
                    settings.threads = list()?.split(',').map(parse).collect::<Result<_, _>>()?;
                }
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(settings)
    }
}

/// Median seconds of a call, after one run that warms up, and what the last run left. A function of its own in the binary,
/// for tools/bench/instructions.mjs to count in.
#[inline(never)]
fn time(workload: &mut Workload, repeats: usize) -> (f64, Outcome) {
    let mut outcome = (workload.run)();
    let mut seconds: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            outcome = (workload.run)();
            start.elapsed().as_secs_f64() / workload.calls as f64
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    (seconds[repeats / 2], outcome)
}

fn row(mut workload: Workload, threads: usize, peak: f64, isa: &str, settings: &Settings) -> Value {
    let repeats = if settings.quick { 1 } else { workload.repeats };
    let (seconds, outcome) = time(&mut workload, repeats);
    let gflops = workload.flops.map(|flops| flops / seconds * 1e-9);
    let mut row = json!({
        "workload": workload.name,
        "shape": workload.shape,
        "threads": threads,
        "isa": isa,
        "median_s": seconds,
        "gflops": gflops,
        "peak_gflops": gflops.map(|_| peak),
        "percent_of_peak": gflops.map(|gflops| 100.0 * gflops / peak),
    });
    if let Some(steps) = outcome.steps {
        row["steps"] = steps.into();
    }
    if settings.probes && !outcome.probe.is_empty() {
        row["probe"] = outcome.probe.into();
    }
    row
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse()?;
    let isa = Isa::active()?.name().to_string();
    for &threads in &settings.threads {
        let clock = Instant::now();
        let peak = measure_peak(threads, || clock.elapsed().as_secs_f64())?;
        for name in &settings.only {
            let group = match name.get(..2).unwrap_or(name) {
                "W1" => workloads::pooled(threads, settings.quick),
                "W2" => workloads::shared(threads, settings.quick),
                "W3" => workloads::networks(threads, settings.quick),
                "W5" => closed_form::forms(threads, settings.quick),
                other => return Err(format!("unknown workload {other}").into()),
            };
            let wanted = group
                .into_iter()
                .map(|make| make())
                .filter(|workload| workload.name.starts_with(name));
            for workload in wanted {
                println!("{}", row(workload, threads, peak, &isa, &settings));
            }
        }
    }
    Ok(())
}
