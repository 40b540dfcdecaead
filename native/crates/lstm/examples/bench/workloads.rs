//! W1 to W3, as tools/bench/workloads.mjs describes them.

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    ExposureShape, Head, InputColumns, LstmShape, LstmWeights, Network, Sequences, exposures, hidden_columns, jacobian,
    jacobian_each, predict, train_each,
};
use macrograd_simd::Control;

use crate::{Outcome, Workload, filled, probe};

/// Training steps a timing of W1b.
const TRAIN_STEPS: usize = 3;

/// Makes a workload when its turn comes, so that one's arrays are gone before the next one's are made.
pub type Make = Box<dyn FnOnce() -> Workload>;

#[derive(Clone, Copy)]
struct Sizes {
    inputs: usize,
    hidden: usize,
    steps: usize,
    /// Windows, or dates.
    batch: usize,
}

const POOLED: Sizes = Sizes {
    inputs: 12,
    hidden: 64,
    steps: 24,
    batch: 4096,
};

impl Sizes {
    fn shape(self) -> LstmShape {
        LstmShape {
            input_size: self.inputs,
            hidden_size: self.hidden,
            layers: 1,
        }
    }

    /// FLOPs of one window: the gates' product over [x | h].
    fn forward(self) -> f64 {
        (8 * self.hidden * (self.inputs + self.hidden) * self.steps) as f64
    }

    /// Those over h alone.
    fn of_hidden(self) -> f64 {
        (8 * self.hidden * self.hidden * self.steps) as f64
    }

    /// Forward, the cotangents of h, and the weights' gradient.
    fn training(self) -> f64 {
        2.0 * self.forward() + self.of_hidden()
    }

    fn window(self) -> usize {
        self.steps * self.inputs
    }

    fn networks(self, count: usize) -> Vec<Network<f32>> {
        let parameters = self.shape().parameter_count();
        let weights = filled(count * parameters, 1.0 / (self.hidden as f64).sqrt(), 1);
        let heads = filled(count * self.hidden, 1.0, 2);
        let parts = weights.chunks(parameters).zip(heads.chunks(self.hidden));
        parts
            .map(|(flat, head)| Network {
                weights: LstmWeights::from_flat(self.shape(), flat).expect("sizes fit"),
                head: Head::new(self.hidden, head.to_vec(), vec![0.0]).expect("sizes fit"),
            })
            .collect()
    }
}

fn training(epochs: usize, batch_size: usize) -> TrainOptions {
    TrainOptions {
        epochs,
        batch_size,
        clip_norm: f64::INFINITY,
        ..TrainOptions::default()
    }
}

/// W1: one network, many windows.
pub fn pooled(threads: usize, quick: bool) -> Vec<Make> {
    let sizes = Sizes {
        batch: if quick { 384 } else { POOLED.batch },
        ..POOLED
    };
    let Sizes { batch, steps, .. } = sizes;
    let workload = move |name, flops, calls, run| Workload {
        name,
        shape: format!("F{} H{} L{steps} B{batch}", sizes.inputs, sizes.hidden),
        flops: Some(flops),
        calls,
        repeats: 7,
        run,
    };
    let data = move || (sizes.networks(1).remove(0), filled(batch * sizes.window(), 1.0, 3));
    let forward = move || {
        let (network, input) = data();
        let mut out = vec![0.0; batch];
        let run = move || {
            let windows = Sequences::new(&input, batch, steps);
            let control = Control::with_threads(threads);
            predict(&network.weights, &network.head, &windows, &mut out, &control).expect("valid");
            outcome(&out)
        };
        workload("W1a forward", batch as f64 * sizes.forward(), 1, Box::new(run))
    };
    let train_steps = move || {
        let ((network, input), targets) = (data(), filled(batch, 1.0, 4));
        let run = move || {
            let mut network = network.clone();
            let data = TrainingData {
                sequences: Sequences::new(&input, batch, steps),
                targets: Targets { values: &targets },
            };
            let (options, control) = (training(TRAIN_STEPS, batch), Control::with_threads(threads));
            let (weights, head) = (&mut network.weights, &mut network.head);
            let trained = train(weights, head, &data, None, &options, &control).expect("valid");
            outcome(&trained.training_loss)
        };
        let flops = batch as f64 * sizes.training();
        workload("W1b forward+backward+Adam", flops, TRAIN_STEPS, Box::new(run))
    };
    let derivatives = move || {
        let (network, input) = data();
        let (mut y, mut out) = (vec![0.0; batch], vec![0.0; input.len()]);
        let run = move || {
            let windows = Sequences::new(&input, batch, steps);
            let control = Control::with_threads(threads);
            let (weights, head) = (&network.weights, &network.head);
            jacobian(weights, head, &windows, Some(&mut y), &mut out, &control).expect("valid");
            outcome(&out)
        };
        let flops = 2.0 * batch as f64 * sizes.forward();
        workload("W1c forward+Jacobian", flops, 1, Box::new(run))
    };
    vec![Box::new(forward), Box::new(train_steps), Box::new(derivatives)]
}

/// W2: one encoder, a head for every asset.
pub fn shared(threads: usize, quick: bool) -> Vec<Make> {
    let (dates, assets) = if quick { (24, 200) } else { (240, 2000) };
    let sizes = Sizes { batch: dates, ..POOLED };
    let columns = sizes.window();
    let make = move || {
        let encoder = sizes.networks(1).remove(0).weights;
        let (input, heads) = (filled(dates * columns, 1.0, 3), filled(assets * sizes.hidden, 1.0, 2));
        let (mut hidden, mut out) = (
            vec![0.0; dates * sizes.hidden * columns],
            vec![0.0; dates * assets * columns],
        );
        let shape = ExposureShape {
            dates,
            hidden_size: sizes.hidden,
            columns,
            assets,
        };
        let run = move || {
            let windows = Sequences::new(&input, dates, sizes.steps);
            let control = Control::with_threads(threads);
            hidden_columns(&encoder, &windows, InputColumns::Every, &mut hidden, &control).expect("valid");
            exposures(shape, &hidden, &heads, &mut out, &control).expect("valid");
            outcome(&out)
        };
        let product = (2 * assets * sizes.hidden * columns) as f64;
        let flops = dates as f64 * ((1 + sizes.hidden) as f64 * sizes.forward() + product);
        Workload {
            name: "W2 shared encoder",
            shape: format!(
                "F{} H{} L{} T{dates} N{assets}",
                sizes.inputs, sizes.hidden, sizes.steps
            ),
            flops: Some(flops),
            calls: 1,
            repeats: 5,
            run: Box::new(run),
        }
    };
    vec![Box::new(make)]
}

/// W3: a network for every asset.
pub fn networks(threads: usize, quick: bool) -> Vec<Make> {
    let (count, epochs) = if quick { (20, 2) } else { (1000, 20) };
    let sizes = Sizes {
        inputs: 8,
        hidden: 16,
        steps: 12,
        batch: 200,
    };
    let (width, windows) = (sizes.batch * sizes.window(), (count * sizes.batch) as f64);
    let shape = format!(
        "N{count} F{} H{} L{} B{}",
        sizes.inputs, sizes.hidden, sizes.steps, sizes.batch
    );
    let training_shape = format!("{shape} E{epochs}");
    let batches = move |input: &'static [f32]| {
        input
            .chunks(width)
            .map(move |x| Sequences::new(x, sizes.batch, sizes.steps))
    };
    // The benchmark's data live as long as it does.
    let input: &'static [f32] = filled(count * width, 1.0, 3).leak();
    let targets: &'static [f32] = filled(count * sizes.batch, 1.0, 4).leak();
    let train_all = move || {
        let start = sizes.networks(count);
        let run = move || {
            let mut networks = start.clone();
            let data = batches(input).zip(targets.chunks(sizes.batch));
            let data: Vec<_> = data
                .map(|(sequences, values)| TrainingData {
                    sequences,
                    targets: Targets { values },
                })
                .collect();
            let (options, control) = (training(epochs, sizes.batch), Control::with_threads(threads));
            let trained = train_each(&mut networks, &data, &options, &control).expect("valid");
            let losses = trained
                .into_iter()
                .flat_map(|trained| trained.expect("valid").training_loss);
            outcome(&losses.collect::<Vec<_>>())
        };
        Workload {
            name: "W3t networks, training",
            shape: training_shape,
            flops: Some(windows * epochs as f64 * sizes.training()),
            calls: 1,
            repeats: 3,
            run: Box::new(run),
        }
    };
    let differentiate = move || {
        let networks = sizes.networks(count);
        let mut out = vec![0.0; input.len()];
        let run = move || {
            let (each, control) = (batches(input).collect::<Vec<_>>(), Control::with_threads(threads));
            jacobian_each(&networks, &each, InputColumns::Every, &mut out, &control).expect("valid");
            outcome(&out)
        };
        Workload {
            name: "W3j networks, Jacobian",
            shape,
            flops: Some(2.0 * windows * sizes.forward()),
            calls: 1,
            repeats: 3,
            run: Box::new(run),
        }
    };
    vec![Box::new(train_all), Box::new(differentiate)]
}

fn outcome<T: Copy + Into<f64>>(values: &[T]) -> Outcome {
    Outcome {
        probe: probe(values),
        steps: None,
    }
}
