//! Entries of the LSTM kernel: forward, backward, Jacobian, training, and the processor's measured limit. Each exists in
//! both precisions; results go into arrays that the caller owns.

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    Gradients, Head, InputColumns, LstmShape, LstmWeights, MemorySizes, MemoryUse, OutputCotangent, Sequences, Tape,
    estimate_memory, forward, jacobian, predict, pull_back,
};
use macrograd_simd::{Control, Isa, Real, measure_peak};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array, ToNapiValue, TypeName};
use napi_derive::napi;

use crate::control::clock;
use crate::lent::Lent;
use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

/// Sizes of a model and of a batch.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct LstmSizes {
    pub input_size: u32,
    pub hidden_size: u32,
    pub layers: u32,
    pub batch_size: u32,
    pub sequence_length: u32,
}

impl LstmSizes {
    pub(crate) fn shape(&self) -> LstmShape {
        LstmShape {
            input_size: self.input_size as usize,
            hidden_size: self.hidden_size as usize,
            layers: self.layers as usize,
        }
    }
}

/// Which derivatives are wanted; see the facade.
#[napi(object)]
pub struct LstmColumns {
    /// `every`, `sum_over_steps` or `input`.
    pub kind: String,
    /// Index of the input for the kind `input`.
    pub input: Option<u32>,
}

impl LstmColumns {
    pub(crate) fn view(&self) -> Result<InputColumns, Failure> {
        match (self.kind.as_str(), self.input) {
            ("every", None) => Ok(InputColumns::Every),
            ("sum_over_steps", None) => Ok(InputColumns::SumOverSteps),
            ("input", Some(input)) => Ok(InputColumns::Input(input as usize)),
            (kind, _) => {
                let problem = format!("columns of kind {kind}; wanted every, sum_over_steps, or input with its index");
                Err(Failure::new("bad_argument", problem))
            }
        }
    }
}

/// How to train; see the facade.
#[napi(object)]
pub struct LstmTrainSettings {
    pub epochs: u32,
    pub batch_size: u32,
    pub learning_rate: f64,
    pub head_learning_rate: f64,
    pub weight_decay: f64,
    pub clip_norm: f64,
    pub input_noise: f64,
    pub dropout: f64,
    pub size_penalty: f64,
    pub variation_penalty: f64,
    pub patience: u32,
    pub cosine: bool,
    pub seed: f64,
    /// Rows at the end of the batch that are for validation only.
    pub validation_rows: u32,
}

/// What training did.
#[napi(object)]
pub struct LstmTrainReport {
    pub training_loss: Vec<f64>,
    pub validation_loss: Vec<f64>,
    pub best_epoch: u32,
}

impl From<&LstmTrainSettings> for TrainOptions {
    fn from(settings: &LstmTrainSettings) -> Self {
        Self {
            epochs: settings.epochs as usize,
            batch_size: settings.batch_size as usize,
            learning_rate: settings.learning_rate,
            head_learning_rate: settings.head_learning_rate,
            weight_decay: settings.weight_decay,
            clip_norm: settings.clip_norm,
            input_noise: settings.input_noise,
            dropout: settings.dropout,
            size_penalty: settings.size_penalty,
            variation_penalty: settings.variation_penalty,
            patience: settings.patience as usize,
            cosine: settings.cosine,
            seed: settings.seed as u64,
        }
    }
}

/// Float32 operations a second that this processor reaches with fused products alone, in units of 10^9.
#[napi(ts_return_type = "Promise<number>")]
pub fn measure_peak_gflops(threads: u32) -> AsyncTask<Work<f64>> {
    Work::spawn(control(threads, None, None), |control| {
        measure_peak(control.threads(), clock()).map_err(|error| Failure::new("bad_argument", error))
    })
}

/// Bytes that a call takes beside its caller's arrays.
#[napi(object)]
pub struct LstmMemory {
    pub weights: f64,
    pub tapes: f64,
    pub backward: f64,
    pub training: f64,
}

/// Memory of `work` (`forward`, `jacobian`, `training`) in float32, or in float64 where `double`.
///
/// # Errors
/// `bad_argument` for another work, or an instruction set that can't be used.
#[napi]
pub fn lstm_memory(
    sizes: LstmSizes,
    outputs: u32,
    threads: u32,
    work: String,
    double: bool,
) -> napi::Result<LstmMemory> {
    let work = match work.as_str() {
        "forward" => MemoryUse::Forward,
        "jacobian" => MemoryUse::Jacobian,
        "training" => MemoryUse::Training,
        _ => return Err(Failure::new("bad_argument", "wanted forward, jacobian or training").into()),
    };
    let isa = Isa::active().map_err(|error| Failure::new("bad_argument", error))?;
    let sizes = MemorySizes {
        shape: sizes.shape(),
        outputs: outputs as usize,
        batch_size: sizes.batch_size as usize,
        sequence_length: sizes.sequence_length as usize,
        threads: control(threads, None, None).threads(),
    };
    let memory = if double {
        estimate_memory::<f64>(sizes, work, isa)
    } else {
        estimate_memory::<f32>(sizes, work, isa)
    };
    Ok(LstmMemory {
        weights: memory.weights as f64,
        tapes: memory.tapes as f64,
        backward: memory.backward as f64,
        training: memory.training as f64,
    })
}

/// The entries of one precision; they differ in the numbers' type alone.
macro_rules! entries {
    ($t:ty, $array:ident, $model:ident, $gradients:ident,
     $forward:ident, $states:ident, $backward:ident, $jacobian:ident, $train:ident) => {
        /// A model and a batch of inputs. Not to be changed while a call runs.
        #[napi(object)]
        pub struct $model {
            pub sizes: LstmSizes,
            /// Per layer weight_ih, weight_hh, bias_ih, bias_hh.
            pub weights: $array,
            /// `[outputs][hidden]`.
            pub head_weight: $array,
            /// `[outputs]`.
            pub head_bias: $array,
            /// `[batch][step][input]`.
            pub input: $array,
            /// `[layer][batch][hidden]`.
            pub initial_hidden: Option<$array>,
            /// `[layer][batch][hidden]`.
            pub initial_cell: Option<$array>,
        }

        impl $model {
            pub(crate) fn parameters(&self) -> Result<(LstmWeights<$t>, Head<$t>), Failure> {
                let weights = LstmWeights::from_flat(self.sizes.shape(), &self.weights)?;
                let head = Head::new(
                    self.sizes.hidden_size as usize,
                    self.head_weight.to_vec(),
                    self.head_bias.to_vec(),
                )?;
                Ok((weights, head))
            }

            pub(crate) fn sequences(&self) -> Sequences<'_, $t> {
                Sequences {
                    input: &self.input,
                    batch_size: self.sizes.batch_size as usize,
                    sequence_length: self.sizes.sequence_length as usize,
                    initial_hidden: self.initial_hidden.as_deref(),
                    initial_cell: self.initial_cell.as_deref(),
                }
            }

            /// Work on the model `(weights, head)` and its windows.
            pub(crate) fn spawn<R>(
                self,
                control: Control,
                mut body: impl FnMut((&LstmWeights<$t>, &Head<$t>), &Sequences<'_, $t>, &Control) -> Result<R, Failure>
                + Send
                + 'static,
            ) -> AsyncTask<Work<R>>
            where
                R: Send + 'static + ToNapiValue + TypeName,
            {
                Work::spawn(control, move |control| {
                    let (weights, head) = self.parameters()?;
                    body((&weights, &head), &self.sequences(), control)
                })
            }
        }

        /// Where a backward pass writes; shapes as of what they are gradients of.
        #[napi(object)]
        pub struct $gradients {
            pub weights: $array,
            pub head_weight: $array,
            pub head_bias: $array,
            pub input: $array,
            pub initial_hidden: $array,
            pub initial_cell: $array,
        }

        /// Writes the head's outputs to `outputs` `[batch][output]`.
        #[napi]
        pub fn $forward(
            model: $model,
            mut outputs: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, head), windows, control| {
                Ok(predict(weights, head, windows, outputs.lent(), control)?)
            })
        }

        /// Writes the top layer's hidden state after every step to `hidden` `[batch][step][hidden]`, and every layer's last
        /// cell state to `cell` `[layer][batch][hidden]`.
        #[napi]
        pub fn $states(
            model: $model,
            mut hidden: $array,
            mut cell: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, _), windows, control| {
                let mut tape = Tape::default();
                forward(weights, windows, &mut tape, control)?;
                tape.hidden(hidden.lent())?;
                let state = (windows.batch_size * weights.shape().hidden_size).max(1);
                for (layer, out) in cell.lent().chunks_mut(state).enumerate() {
                    tape.last_cell(layer, out)?;
                }
                Ok(())
            })
        }

        /// Pulls cotangents of the outputs `[batch][output]` and of every step's hidden state `[batch][step][hidden]` back to
        /// everything.
        #[napi]
        #[allow(
            clippy::too_many_arguments,
            reason = "one argument for each of the caller's arrays"
        )]
        pub fn $backward(
            model: $model,
            d_outputs: Option<$array>,
            d_hidden: Option<$array>,
            mut gradients: $gradients,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, head), windows, control| {
                let (mut d_weights, mut d_head) = (LstmWeights::zeros(weights.shape())?, head.clone());
                let cotangent = OutputCotangent {
                    outputs: d_outputs.as_deref(),
                    hidden: d_hidden.as_deref(),
                };
                let mut wanted = Gradients {
                    weights: Some(&mut d_weights),
                    input: Some(gradients.input.lent()),
                    initial_hidden: Some(gradients.initial_hidden.lent()),
                    initial_cell: Some(gradients.initial_cell.lent()),
                };
                pull_back(
                    (weights, head),
                    windows,
                    &cotangent,
                    &mut wanted,
                    &mut d_head,
                    control,
                )?;
                let head = (&mut gradients.head_weight, &mut gradients.head_bias);
                write_parameters((&d_weights, &d_head), &mut gradients.weights, head)
            })
        }

        /// Writes d output / d input to `out` `[batch][output][step][input]`, and the outputs to `outputs`.
        #[napi]
        pub fn $jacobian(
            model: $model,
            mut outputs: $array,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, head), windows, control| {
                let (outputs, out) = (Some(outputs.lent()), out.lent());
                Ok(jacobian(weights, head, windows, outputs, out, control)?)
            })
        }

        /// Trains on `targets` `[batch][output]` (NaN = missing); the model's weights and head are overwritten.
        #[napi(ts_return_type = "Promise<LstmTrainReport>")]
        pub fn $train(
            mut model: $model,
            targets: $array,
            settings: LstmTrainSettings,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<LstmTrainReport>> {
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (mut weights, mut head) = model.parameters()?;
                let all = model.sequences();
                let held_out = settings.validation_rows.min(model.sizes.batch_size) as usize;
                let kept = all.batch_size - held_out;
                let (input, held_input) = split(all.input, kept, all.batch_size)?;
                let (values, held_values) = split(&targets, kept, all.batch_size)?;
                let data = |input, values, rows| TrainingData {
                    sequences: Sequences::new(input, rows, all.sequence_length),
                    targets: Targets { values },
                };
                let validation = data(held_input, held_values, held_out);
                let trained = train(
                    &mut weights,
                    &mut head,
                    &data(input, values, kept),
                    (held_out > 0).then_some(&validation),
                    &TrainOptions::from(&settings),
                    control,
                )?;
                let trained_head = (&mut model.head_weight, &mut model.head_bias);
                write_parameters((&weights, &head), &mut model.weights, trained_head)?;
                Ok(LstmTrainReport {
                    training_loss: trained.training_loss,
                    validation_loss: trained.validation_loss,
                    best_epoch: trained.best_epoch as u32,
                })
            })
        }
    };
}

entries!(
    f32,
    Float32Array,
    LstmModelF32,
    LstmGradientsF32,
    lstm_forward_f32,
    lstm_states_f32,
    lstm_backward_f32,
    lstm_jacobian_f32,
    lstm_train_f32
);
entries!(
    f64,
    Float64Array,
    LstmModelF64,
    LstmGradientsF64,
    lstm_forward_f64,
    lstm_states_f64,
    lstm_backward_f64,
    lstm_jacobian_f64,
    lstm_train_f64
);

/// Copies parameters, or their gradients, `(weights, head)` to arrays laid out as in the model: weights, and the head's
/// `(weight, bias)`.
pub(crate) fn write_parameters<T: Real, A: Lent<Element = T>>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    flat: &mut A,
    (head_weight, head_bias): (&mut A, &mut A),
) -> Result<(), Failure> {
    weights.write_flat(flat.lent())?;
    Ok(head.write_flat(head_weight.lent(), head_bias.lent())?)
}

/// The first `rows` of `total` equal rows, and the others.
fn split<T>(values: &[T], rows: usize, total: usize) -> Result<(&[T], &[T]), Failure> {
    let width = values.len() / total.max(1);
    if width * total != values.len() {
        let problem = format!(
            "an array of {} elements is no whole number of {total} rows",
            values.len()
        );
        return Err(Failure::new("shape_mismatch", problem));
    }
    Ok(values.split_at(rows * width))
}
