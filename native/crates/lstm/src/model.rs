//! The LSTM with its linear head, in one go per tile of samples: what the forward pass leaves never leaves the cache.

use macrograd_simd::{Buffer, Control, Isa, Real, parallel_for_each};

use crate::columns::{InputColumns, TileDerivatives};
use crate::encoder::{Tape, backward, forward, useful_threads};
use crate::error::{LstmError, check_length};
use crate::exposures::PackedHeads;
use crate::head::Head;
use crate::kernel::{BackwardScratch, BackwardTiles, ForwardTile, PackedWeights, TilePlan, TileSize, TileTape, Wanted};
use crate::sequences::{Cotangent, Gradients, Sequences, split_front};
use crate::weights::LstmWeights;

/// Writes the head's outputs of every sequence to `outputs` [batch_size, outputs].
///
/// # Errors
/// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`], [`LstmError::Isa`],
/// [`LstmError::Cancelled`].
pub fn predict<T: Real>(
    weights: &LstmWeights<T>,
    head: &Head<T>,
    sequences: &Sequences<'_, T>,
    outputs: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    Workspace::default().predict(weights, head, sequences, outputs, control)
}

/// Writes the derivative of every output with respect to every input of its sequence to `jacobian`
/// [batch_size, outputs, sequence_length, input_size], and the outputs themselves if asked to
/// [batch_size, outputs].
///
/// # Errors
/// As [`predict`].
pub fn jacobian<T: Real>(
    weights: &LstmWeights<T>,
    head: &Head<T>,
    sequences: &Sequences<'_, T>,
    outputs: Option<&mut [T]>,
    jacobian: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    jacobian_columns(
        weights,
        head,
        sequences,
        InputColumns::Every,
        outputs,
        jacobian,
        control,
    )
}

/// Writes the wanted columns of the Jacobian to `jacobian` [batch_size, outputs, columns], as [`jacobian`] does for all
/// of them; others are never stored.
///
/// # Errors
/// As [`predict`], and [`LstmError::BadOption`] for an input that there is not.
pub fn jacobian_columns<T: Real>(
    weights: &LstmWeights<T>,
    head: &Head<T>,
    sequences: &Sequences<'_, T>,
    columns: InputColumns,
    outputs: Option<&mut [T]>,
    jacobian: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    Workspace::default().jacobian_columns(weights, head, sequences, columns, outputs, jacobian, control)
}

/// Packed weights and scratch space, kept from call to call: calls on one thread that are no larger than earlier ones
/// allocate nothing. Results are those of the functions of the same names, to the bit.
///
/// ```
/// use macrograd_lstm::{Head, LstmShape, LstmWeights, Sequences, Workspace};
/// use macrograd_simd::Control;
///
/// let shape = LstmShape { input_size: 2, hidden_size: 3, layers: 1 };
/// let weights = LstmWeights::<f32>::zeros(shape)?;
/// let head = Head::new(3, vec![1.0; 3], vec![0.5])?;
/// let mut workspace = Workspace::default();
/// let mut outputs = [0.0; 2];
/// for month in 0..3 {
///     let input = [month as f32; 2 * 4 * 2]; // two windows of four steps
///     let windows = Sequences::new(&input, 2, 4);
///     workspace.predict(&weights, &head, &windows, &mut outputs, &Control::with_threads(1))?;
/// }
/// assert_eq!(outputs, [0.5, 0.5]);
/// # Ok::<(), macrograd_lstm::LstmError>(())
/// ```
pub struct Workspace<T> {
    packed: PackedWeights<T>,
    scratch: Vec<TileScratch<T>>,
    /// The head of [`Workspace::hidden_columns`].
    identity: Option<Head<T>>,
    /// Of [`Workspace::exposures`].
    pub(crate) heads: PackedHeads<T>,
}

impl<T: Real> Default for Workspace<T> {
    fn default() -> Self {
        Self {
            packed: PackedWeights { layers: Vec::new() },
            scratch: Vec::new(),
            identity: None,
            heads: PackedHeads::default(),
        }
    }
}

impl<T: Real> Workspace<T> {
    /// As [`predict`].
    ///
    /// # Errors
    /// As [`predict`].
    pub fn predict(
        &mut self,
        weights: &LstmWeights<T>,
        head: &Head<T>,
        sequences: &Sequences<'_, T>,
        outputs: &mut [T],
        control: &Control,
    ) -> Result<(), LstmError> {
        check_length("outputs", outputs.len(), sequences.batch_size * head.outputs)?;
        let pass = TilePass::new(std::mem::take(&mut self.packed), weights, head, sequences, control)?;
        let chunk = (pass.plan.full_lanes() * head.outputs).max(1);
        parallel_for_each(
            control,
            outputs.chunks_mut(chunk).enumerate(),
            pass.scratch(&mut self.scratch),
            |scratch, (index, out)| {
                pass.forward(scratch, index, false);
                pass.write_outputs(&scratch.tape, out);
            },
        )?;
        self.packed = pass.weights;
        Ok(())
    }

    /// As [`crate::hidden_columns`].
    ///
    /// # Errors
    /// As [`jacobian`].
    pub fn hidden_columns(
        &mut self,
        weights: &LstmWeights<T>,
        windows: &Sequences<'_, T>,
        columns: InputColumns,
        out: &mut [T],
        control: &Control,
    ) -> Result<(), LstmError> {
        let hidden_size = weights.shape().hidden_size;
        let kept = self.identity.take().filter(|head| head.outputs == hidden_size);
        let head = kept.unwrap_or_else(|| Head::identity(hidden_size));
        let result = self.jacobian_columns(weights, &head, windows, columns, None, out, control);
        self.identity = Some(head);
        result
    }

    /// As [`jacobian_columns`].
    ///
    /// # Errors
    /// As [`jacobian_columns`].
    #[allow(
        clippy::too_many_arguments,
        reason = "the model, the data and where results go, each with its own owner"
    )]
    pub fn jacobian_columns(
        &mut self,
        weights: &LstmWeights<T>,
        head: &Head<T>,
        sequences: &Sequences<'_, T>,
        columns: InputColumns,
        outputs: Option<&mut [T]>,
        jacobian: &mut [T],
        control: &Control,
    ) -> Result<(), LstmError> {
        let (batch_size, length, f) = (
            sequences.batch_size,
            sequences.sequence_length,
            weights.shape().input_size,
        );
        let width = columns.count(length, f);
        columns.validate(f)?;
        check_length("jacobian", jacobian.len(), batch_size * head.outputs * width)?;
        if let Some(outputs) = &outputs {
            check_length("outputs", outputs.len(), batch_size * head.outputs)?;
        }
        let mut pass = TilePass::new(std::mem::take(&mut self.packed), weights, head, sequences, control)?;
        pass.weights.pack_backward(weights, true);
        let scratch = pass.scratch(&mut self.scratch);
        for scratch in &mut *scratch {
            let lanes = pass.plan.full_lanes();
            scratch
                .backward
                .prepare(&pass.weights.layers, lanes, length, TilePass::<T>::JACOBIAN);
        }
        let rows = pass.plan.full_lanes() * head.outputs;
        let tiles = jacobian.chunks_mut((rows * width).max(1));
        let mut outputs = outputs.unwrap_or_default();
        let work = tiles.map(move |tile| (tile, split_front(&mut outputs, rows)));
        parallel_for_each(
            control,
            work.enumerate(),
            scratch,
            |scratch, (index, (jacobian, outputs))| {
                pass.forward(scratch, index, true);
                if !outputs.is_empty() {
                    pass.write_outputs(&scratch.tape, outputs);
                }
                pass.write_jacobian(scratch, columns, jacobian, control);
            },
        )?;
        self.packed = pass.weights;
        control.check()?;
        Ok(())
    }
}

/// Derivatives of a scalar with respect to what the model gives: where [`pull_back`] starts.
#[derive(Debug, Clone, Copy)]
pub struct OutputCotangent<'a, T> {
    /// Of the head's outputs, [batch_size, outputs].
    pub outputs: Option<&'a [T]>,
    /// Of the top layer's hidden states at every step, [batch_size, sequence_length, hidden_size].
    pub hidden: Option<&'a [T]>,
}

/// Forward and backward pass of LSTM and head together: writes what `gradients` asks for, and the head's gradient to
/// `head_gradient`.
///
/// # Errors
/// As [`predict`].
pub fn pull_back<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    cotangent: &OutputCotangent<'_, T>,
    gradients: &mut Gradients<'_, T>,
    head_gradient: &mut Head<T>,
    control: &Control,
) -> Result<(), LstmError> {
    let h = weights.shape().hidden_size;
    check_length("head_weight", head.weight.len(), head.outputs * h)?;
    check_length("head_weight gradient", head_gradient.weight.len(), head.weight.len())?;
    let mut tape = Tape::default();
    forward(weights, sequences, &mut tape, control)?;
    let mut d_last = vec![T::ZERO; sequences.batch_size * h];
    head_gradient.weight.fill(T::ZERO);
    head_gradient.bias.fill(T::ZERO);
    if let Some(d_outputs) = cotangent.outputs {
        check_length("d_outputs", d_outputs.len(), sequences.batch_size * head.outputs)?;
        let mut hidden = vec![T::ZERO; d_last.len()];
        tape.last_hidden(&mut hidden)?;
        Head::add_gradient(&hidden, d_outputs, head_gradient);
        head.pull_back(d_outputs, &mut d_last);
    }
    let of_states = Cotangent {
        last_hidden: Some(&d_last),
        hidden: cotangent.hidden,
    };
    backward(weights, &mut tape, &of_states, gradients, control)
}

/// What all tiles of a pass share.
struct TilePass<'a, T> {
    weights: PackedWeights<T>,
    head: &'a Head<T>,
    sequences: &'a Sequences<'a, T>,
    hidden_size: usize,
    input_size: usize,
    threads: usize,
    isa: Isa,
    plan: TilePlan,
}

/// Buffers of one thread.
struct TileScratch<T> {
    tape: TileTape<T>,
    backward: BackwardScratch<T>,
    /// Sum over steps, of contracted Jacobians.
    sum: Vec<T>,
}

impl<'a, T: Real> TilePass<'a, T> {
    const JACOBIAN: Wanted = Wanted {
        weights: false,
        inputs: true,
        states: false,
    };

    fn new(
        mut packed: PackedWeights<T>,
        weights: &LstmWeights<T>,
        head: &'a Head<T>,
        sequences: &'a Sequences<'a, T>,
        control: &Control,
    ) -> Result<Self, LstmError> {
        let (shape, isa) = (weights.shape(), control.isa()?);
        sequences.validate(shape)?;
        weights.check_finite()?;
        check_length("head_weight", head.weight.len(), head.outputs * shape.hidden_size)?;
        packed.pack_forward(weights, isa);
        Ok(Self {
            weights: packed,
            head,
            sequences,
            hidden_size: shape.hidden_size,
            input_size: shape.input_size,
            threads: useful_threads(control, shape, sequences),
            isa,
            plan: TilePlan::new::<T>(sequences.batch_size, isa),
        })
    }

    /// As many scratch spaces as threads are worth their start, out of those that are kept.
    fn scratch<'s>(&self, kept: &'s mut Vec<TileScratch<T>>) -> &'s mut [TileScratch<T>] {
        let threads = self.threads.min(self.plan.tile_count().max(1));
        kept.resize_with(threads.max(kept.len()), || TileScratch {
            tape: TileTape::empty(),
            backward: BackwardScratch::empty(),
            sum: Vec::new(),
        });
        &mut kept[..threads]
    }

    fn forward(&self, scratch: &mut TileScratch<T>, index: usize, recording: bool) {
        let (size, length) = (self.plan.tile(index), self.sequences.sequence_length);
        scratch.tape.prepare(&self.weights.layers, size, length, recording);
        let first_sample = self.plan.samples(index).start;
        let tape = &mut scratch.tape;
        let work = ForwardTile {
            weights: &self.weights,
            sequences: self.sequences,
            first_sample,
            tape,
            recording,
        };
        T::dispatch(self.isa, work);
    }

    /// Outputs `[sample][output]` of a tile that has been through the forward pass.
    fn write_outputs(&self, tape: &TileTape<T>, out: &mut [T]) {
        let top = self.weights.layers.len() - 1;
        let hidden = tape.hidden(&self.weights.layers, top, self.sequences.sequence_length);
        let TileSize { lanes, samples, .. } = tape.size;
        for sample in 0..samples {
            let units = || hidden[sample..].iter().step_by(lanes);
            for output in 0..self.head.outputs {
                let weight = &self.head.weight[output * self.hidden_size..][..self.hidden_size];
                let sum = weight
                    .iter()
                    .zip(units())
                    .fold(self.head.bias[output], |sum, (&w, &h)| sum + w * h);
                out[sample * self.head.outputs + output] = sum;
            }
        }
    }

    /// One backward pass an output, from the head's row in all lanes; ends early when cancelled.
    fn write_jacobian(&self, scratch: &mut TileScratch<T>, columns: InputColumns, out: &mut [T], control: &Control) {
        let (length, f) = (self.sequences.sequence_length, self.input_size);
        let (size, padded_f) = (scratch.tape.size, self.weights.layers[0].padded_input_rows());
        let width = columns.count(length, f);
        let stride = self.head.outputs * width;
        for output in 0..self.head.outputs {
            if control.check().is_err() {
                return;
            }
            let row = &self.head.weight[output * self.hidden_size..][..self.hidden_size];
            let mut seed = |_: usize, d_hidden: &mut [T], _: &mut Buffer<T>| {
                for (lanes, &w) in d_hidden.chunks_exact_mut(size.lanes).zip(row) {
                    lanes.fill(w);
                }
                false
            };
            let sum = &mut scratch.sum;
            let mut finish = |_: usize, scratch: &BackwardScratch<T>| {
                let lanes = TileDerivatives {
                    steps: &scratch.d_inputs[0],
                    length,
                    padded_inputs: padded_f,
                    input_size: f,
                    size,
                    isa: self.isa,
                };
                columns.write(lanes, sum, &mut out[output * width..], stride);
            };
            let work = BackwardTiles {
                weights: &self.weights,
                tapes: std::slice::from_ref(&scratch.tape),
                scratch: &mut scratch.backward,
                length,
                has_state: self.sequences.has_initial_state(),
                wanted: Self::JACOBIAN,
                seed: &mut seed,
                finish: &mut finish,
            };
            T::dispatch(self.isa, work);
        }
    }
}
