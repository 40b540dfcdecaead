//! `cargo bench --manifest-path native/bench/Cargo.toml [-- <name>]`: stages of a step of the LSTM on one full tile, and
//! whole passes beside them, at the sizes of W1 and W3; a step of Adam. An element is one unit, step and vector of samples
//! (of a whole pass too), so that times an element are those that docs/performance.md counts; the peak stands before them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use macrograd_lstm::optim::{Adam, AdamOptions, ParameterGroup};
use macrograd_lstm::train::{SquaredError, Targets};
use macrograd_lstm::{Head, InputColumns, LstmShape, LstmWeights, Piece, Pieces, Sequences, Workspace};
use macrograd_simd::{Control, Isa, measure_peak};

/// A network, and the batch that a thread takes at a time.
#[derive(Clone, Copy)]
struct Size {
    name: &'static str,
    shape: LstmShape,
    steps: usize,
}

const SIZES: [Size; 2] = [
    Size {
        name: "H64 F12 L24",
        shape: LstmShape {
            input_size: 12,
            hidden_size: 64,
            layers: 1,
        },
        steps: 24,
    },
    Size {
        name: "H16 F8 L12",
        shape: LstmShape {
            input_size: 8,
            hidden_size: 16,
            layers: 1,
        },
        steps: 12,
    },
];

impl Size {
    fn weights(self) -> LstmWeights<f32> {
        let value = |index: usize| ((index * 7919 % 1000) as f32 / 1000.0 - 0.5) * 0.25;
        let flat: Vec<f32> = (0..self.shape.parameter_count()).map(value).collect();
        LstmWeights::from_flat(self.shape, &flat).expect("sizes fit")
    }

    fn head(self) -> Head<f32> {
        let h = self.shape.hidden_size;
        Head::new(h, vec![0.1; h], vec![0.0]).expect("sizes fit")
    }

    /// Units times vectors of a step on `lanes` samples.
    fn elements(self, lanes: usize) -> u64 {
        (self.shape.hidden_size * lanes / isa().lanes::<f32>()) as u64
    }
}

fn isa() -> Isa {
    Isa::active().expect("an instruction set")
}

fn peak(_: &mut Criterion) {
    let clock = Instant::now();
    let peak = measure_peak(1, || clock.elapsed().as_secs_f64()).expect("an instruction set");
    println!("{}: {peak:.1} GFLOP/s on one thread", isa().name());
}

fn stages(criterion: &mut Criterion) {
    for size in SIZES {
        let mut group = criterion.benchmark_group(size.name);
        for piece in Piece::ALL {
            let mut pieces = Pieces::new(&size.weights(), isa()).expect("finite");
            group.throughput(Throughput::Elements(
                piece.steps() as u64 * size.elements(pieces.lanes()),
            ));
            group.bench_function(BenchmarkId::from_parameter(format!("{piece:?}")), |bencher| {
                bencher.iter(|| pieces.run(piece));
            });
        }
        group.finish();
    }
}

/// Prediction, Jacobian of one output, and loss with its gradient, of eight tiles.
fn passes(criterion: &mut Criterion) {
    for size in SIZES {
        let lanes = 8 * Pieces::new(&size.weights(), isa()).expect("finite").lanes();
        let (weights, head, control) = (size.weights(), size.head(), Control::with_threads(1));
        let input: Vec<f32> = (0..lanes * size.steps * size.shape.input_size)
            .map(|index| (index % 17) as f32 * 0.1 - 0.8)
            .collect();
        let windows = Sequences::new(&input, lanes, size.steps);
        let mut group = criterion.benchmark_group(size.name);
        group.throughput(Throughput::Elements(size.steps as u64 * size.elements(lanes)));
        let mut workspace = Workspace::default();
        let mut outputs = vec![0.0; lanes];
        group.bench_function("whole forward pass", |bencher| {
            bencher.iter(|| {
                workspace
                    .predict(&weights, &head, &windows, &mut outputs, &control)
                    .expect("valid")
            });
        });
        let mut out = vec![0.0; input.len()];
        group.bench_function("whole Jacobian", |bencher| {
            bencher.iter(|| {
                let columns = InputColumns::Every;
                let done = workspace.jacobian_columns(&weights, &head, &windows, columns, None, &mut out, &control);
                done.expect("valid");
            });
        });
        let mut loss = SquaredError::new(&weights, &head).expect("valid");
        let values = vec![0.1; lanes];
        group.bench_function("whole loss and gradient", |bencher| {
            bencher.iter(|| {
                let targets = Targets { values: &values };
                black_box(
                    loss.evaluate((&weights, &head), &windows, targets, None, &control)
                        .expect("valid"),
                )
            });
        });
        group.finish();
    }
}

fn adam(criterion: &mut Criterion) {
    let count = SIZES[0].shape.parameter_count();
    let group = ParameterGroup {
        range: 0..count,
        learning_rate: 1e-3,
        weight_decay: 1e-4,
    };
    let mut adam = Adam::new(count, vec![group], AdamOptions::default());
    let (mut parameters, gradient) = (vec![0.1; count], vec![0.01; count]);
    criterion.bench_function("Adam", |bencher| {
        bencher.iter(|| adam.step(&mut parameters, &gradient, 1.0))
    });
}

/// Short: stages take microseconds, and a busy neighbour moves a figure more than its sampling does.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
}

criterion_group!(name = pieces; config = settings(); targets = peak, stages, passes, adam);
criterion_main!(pieces);
