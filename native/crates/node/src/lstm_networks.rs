//! Entries of many networks of their own: trained and differentiated in one call.

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData};
use macrograd_lstm::{Head, LstmError, LstmShape, LstmWeights, Network, Sequences, jacobian_each, train_each};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array};
use napi_derive::napi;

use crate::lent::Lent;
use crate::lstm::{LstmColumns, LstmSizes, LstmTrainSettings};
use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

/// A network that could not be trained.
#[napi(object)]
pub struct LstmNetworkFailure {
    pub network: u32,
    /// As of a failed call.
    pub code: String,
    pub message: String,
}

/// What training many networks did.
#[napi(object)]
pub struct LstmTrainEachReport {
    /// `[network][epoch]`; NaN for a network that could not be trained.
    pub training_loss: Vec<f64>,
    pub failures: Vec<LstmNetworkFailure>,
}

/// Where things lie in the flat arrays of equal networks.
#[derive(Clone, Copy)]
struct Layout {
    shape: LstmShape,
    outputs: usize,
    sequence_length: usize,
}

impl Layout {
    /// Rows of each network that a flat array of `total` rows holds; refuses counts that do not add up.
    fn check_rows(rows: &[u32], total: usize) -> Result<(), Failure> {
        let counted: usize = rows.iter().map(|&n| n as usize).sum();
        if counted == total {
            return Ok(());
        }
        let problem = format!("the networks' batch sizes add up to {counted}, and sizes.batchSize is {total}");
        Err(Failure::new("shape_mismatch", problem))
    }

    /// Cuts a flat array into every network's rows of `width` numbers.
    fn cut<'a, T>(name: &'static str, values: &'a [T], rows: &[u32], width: usize) -> Result<Vec<&'a [T]>, Failure> {
        let expected = rows.iter().map(|&n| n as usize).sum::<usize>() * width;
        if values.len() != expected {
            let actual = values.len();
            return Err(LstmError::ShapeMismatch { name, expected, actual }.into());
        }
        let mut rest = values;
        Ok(rows
            .iter()
            .map(|&n| {
                let (own, others) = rest.split_at(n as usize * width);
                rest = others;
                own
            })
            .collect())
    }
}

/// The entries of one precision.
macro_rules! entries {
    ($t:ty, $array:ident, $networks:ident, $train:ident, $jacobian:ident) => {
        /// Networks of one size with their data, one after another. Not to be changed while a call runs.
        #[napi(object)]
        pub struct $networks {
            /// `batch_size` is the sum of all networks' windows.
            pub sizes: LstmSizes,
            pub outputs: u32,
            /// Windows of each network.
            pub batch_sizes: Vec<u32>,
            /// `[network][parameter]`, each as of a model.
            pub weights: $array,
            /// `[network][output][hidden]`.
            pub head_weight: $array,
            /// `[network][output]`.
            pub head_bias: $array,
            /// `[network][window][step][input]`.
            pub input: $array,
        }

        impl $networks {
            fn layout(&self) -> Result<Layout, Failure> {
                Layout::check_rows(&self.batch_sizes, self.sizes.batch_size as usize)?;
                Ok(Layout {
                    shape: self.sizes.shape(),
                    outputs: self.outputs as usize,
                    sequence_length: self.sizes.sequence_length as usize,
                })
            }

            fn networks(&self, layout: Layout) -> Result<Vec<Network<$t>>, Failure> {
                let Layout { shape, outputs, .. } = layout;
                let each = vec![1; self.batch_sizes.len()];
                let weights = Layout::cut("weights", &self.weights, &each, shape.parameter_count())?;
                let head_weight = Layout::cut(
                    "head_weight",
                    &self.head_weight,
                    &each,
                    outputs * shape.hidden_size,
                )?;
                let head_bias = Layout::cut("head_bias", &self.head_bias, &each, outputs)?;
                let arrays = weights.into_iter().zip(head_weight).zip(head_bias);
                arrays
                    .map(|((weights, head_weight), head_bias)| {
                        Ok(Network {
                            weights: LstmWeights::from_flat(shape, weights)?,
                            head: Head::new(shape.hidden_size, head_weight.to_vec(), head_bias.to_vec())?,
                        })
                    })
                    .collect()
            }

            fn sequences(&self, layout: Layout) -> Result<Vec<Sequences<'_, $t>>, Failure> {
                let length = layout.sequence_length;
                let inputs = Layout::cut(
                    "input",
                    &self.input,
                    &self.batch_sizes,
                    length * layout.shape.input_size,
                )?;
                let batches = inputs.into_iter().zip(&self.batch_sizes);
                Ok(batches
                    .map(|(input, &rows)| Sequences::new(input, rows as usize, length))
                    .collect())
            }

            fn write(&mut self, layout: Layout, networks: &[Network<$t>]) -> Result<(), Failure> {
                let Layout { shape, outputs, .. } = layout;
                let weights = self.weights.lent().chunks_mut(shape.parameter_count());
                let head_weight = self
                    .head_weight
                    .lent()
                    .chunks_mut((outputs * shape.hidden_size).max(1));
                let head_bias = self.head_bias.lent().chunks_mut(outputs.max(1));
                let arrays = weights.zip(head_weight).zip(head_bias);
                for (network, ((weights, head_weight), head_bias)) in networks.iter().zip(arrays) {
                    network.weights.write_flat(weights)?;
                    network.head.write_flat(head_weight, head_bias)?;
                }
                Ok(())
            }
        }

        /// Trains every network on its own `targets` `[network][window][output]` (NaN = missing); weights and heads are
        /// overwritten.
        #[napi(ts_return_type = "Promise<LstmTrainEachReport>")]
        pub fn $train(
            mut all: $networks,
            targets: $array,
            settings: LstmTrainSettings,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<LstmTrainEachReport>> {
            Work::spawn(control(threads, token, on_progress), move |control| {
                let layout = all.layout()?;
                let mut networks = all.networks(layout)?;
                let targets = Layout::cut("targets", &targets, &all.batch_sizes, layout.outputs)?;
                let data: Vec<_> = all
                    .sequences(layout)?
                    .into_iter()
                    .zip(targets)
                    .map(|(sequences, values)| TrainingData {
                        sequences,
                        targets: Targets { values },
                    })
                    .collect();
                let options = TrainOptions::from(&settings);
                let trained = train_each(&mut networks, &data, &options, control)?;
                all.write(layout, &networks)?;
                Ok(report(trained, options.epochs))
            })
        }

        /// Writes the wanted columns of every network's Jacobian to `out` `[network][window][output][column]`.
        #[napi]
        pub fn $jacobian(
            all: $networks,
            columns: LstmColumns,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            Work::spawn(control(threads, token, on_progress), move |control| {
                let layout = all.layout()?;
                let (networks, sequences) = (all.networks(layout)?, all.sequences(layout)?);
                let (columns, out) = (columns.view()?, out.lent());
                Ok(jacobian_each(&networks, &sequences, columns, out, control)?)
            })
        }
    };
}

entries!(
    f32,
    Float32Array,
    LstmNetworksF32,
    lstm_train_each_f32,
    lstm_jacobian_each_f32
);
entries!(
    f64,
    Float64Array,
    LstmNetworksF64,
    lstm_train_each_f64,
    lstm_jacobian_each_f64
);

/// Losses of all networks, and why some have none.
fn report(trained: Vec<Result<macrograd_lstm::train::Trained, LstmError>>, epochs: usize) -> LstmTrainEachReport {
    let mut report = LstmTrainEachReport {
        training_loss: Vec::with_capacity(trained.len() * epochs),
        failures: Vec::new(),
    };
    for (network, trained) in trained.into_iter().enumerate() {
        match trained {
            Ok(trained) => report.training_loss.extend(trained.training_loss),
            Err(error) => {
                report.training_loss.extend(std::iter::repeat_n(f64::NAN, epochs));
                let failure = Failure::from(error);
                report.failures.push(LstmNetworkFailure {
                    network: network as u32,
                    code: failure.code.to_owned(),
                    message: failure.message,
                });
            }
        }
    }
    report
}
