//! The LSTM as an encoder: forward and backward passes with a tape between them. Buffers live in the [`Tape`] and are
//! reused: passes on one thread that are no larger than earlier ones allocate nothing.

use macrograd_simd::{Control, Isa, Real, parallel_for_each};

use crate::columns::{InputColumns, TileDerivatives};
use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::kernel::{
    BackwardScratch, BackwardTiles, ForwardTile, LayerSum, PackedWeights, TilePlan, TileTape, Wanted, chunk_tiles,
    from_lanes, to_lanes,
};
use crate::model::jacobian;
use crate::sequences::{Cotangent, Gradients, Sequences, split_front};
use crate::weights::{GATES, LstmShape, LstmWeights};

/// What a forward pass leaves for the backward pass. Made empty, grown by the first use, reused after that.
#[derive(Debug)]
pub struct Tape<T> {
    recorded: Option<Recorded>,
    weights: PackedWeights<T>,
    tiles: Vec<TileTape<T>>,
    scratch: Vec<BackwardScratch<T>>,
    groups: Vec<GroupResults<T>>,
}

/// What a group of tiles gives in a backward pass.
#[derive(Debug)]
struct GroupResults<T> {
    /// Weight gradients per layer.
    sums: Vec<LayerSum<T>>,
    /// [sample][layer][hidden, cell][H]: cotangents of the states before the first step, if wanted.
    states: Vec<T>,
}

impl<T> Default for GroupResults<T> {
    fn default() -> Self {
        Self {
            sums: Vec::new(),
            states: Vec::new(),
        }
    }
}

/// What the tape's tiles hold.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    shape: LstmShape,
    isa: Isa,
    plan: TilePlan,
    batch_size: usize,
    sequence_length: usize,
    has_state: bool,
}

impl<T: Real> Default for Tape<T> {
    fn default() -> Self {
        Self {
            recorded: None,
            weights: PackedWeights::default(),
            tiles: Vec::new(),
            scratch: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// Groups of tiles whose weight gradients are summed apart and then added in order: a function of the batch alone, so
/// that the number of threads changes no bit.
const MAX_GROUPS: usize = 64;

/// Below this many floating-point operations (about 50 microseconds) more threads cost more than they bring.
const PARALLEL_WORK: usize = 4_000_000;

/// Threads worth their start for a pass over the batch.
pub(crate) fn useful_threads<T>(control: &Control, shape: LstmShape, sequences: &Sequences<'_, T>) -> usize {
    let work = forward_work(shape, sequences.sequence_length * sequences.batch_size);
    if work < PARALLEL_WORK { 1 } else { control.threads() }
}

/// Floating-point operations of so many steps of a sample, about.
fn forward_work(shape: LstmShape, steps: usize) -> usize {
    2 * GATES * shape.hidden_size * (shape.input_size + shape.hidden_size) * shape.layers * steps
}

/// Tiles of a group: whole chunks, at most [`MAX_GROUPS`] groups, and enough work for what a group's sums cost.
pub(crate) fn group_tiles(plan: &TilePlan, shape: LstmShape, length: usize) -> usize {
    let enough = (PARALLEL_WORK / 2).div_ceil(forward_work(shape, length * plan.full_lanes()).max(1));
    let tiles = plan.tile_count().div_ceil(MAX_GROUPS).max(enough);
    tiles
        .min(plan.tile_count())
        .max(1)
        .next_multiple_of(chunk_tiles(length))
}

/// Runs all sequences through all layers and records what the backward pass needs.
///
/// # Errors
/// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`], [`LstmError::Isa`],
/// [`LstmError::Cancelled`].
pub fn forward<T: Real>(
    weights: &LstmWeights<T>,
    sequences: &Sequences<'_, T>,
    tape: &mut Tape<T>,
    control: &Control,
) -> Result<(), LstmError> {
    let (shape, isa) = (weights.shape(), control.isa()?);
    sequences.validate(shape)?;
    weights.check_finite()?;
    tape.recorded = None;
    tape.weights.pack_forward(weights, isa);
    let plan = TilePlan::new::<T>(sequences.batch_size, isa);
    let count = plan.tile_count();
    tape.tiles.resize_with(count.max(tape.tiles.len()), TileTape::empty);
    let packed = &tape.weights;
    let mut threads = vec![(); useful_threads(control, shape, sequences)];
    parallel_for_each(
        control,
        tape.tiles[..count].iter_mut().enumerate(),
        &mut threads,
        |(), (index, tile)| {
            tile.prepare(&packed.layers, plan.tile(index), sequences.sequence_length, true);
            let first_sample = plan.samples(index).start;
            T::dispatch(
                isa,
                ForwardTile {
                    weights: packed,
                    sequences,
                    first_sample,
                    tape: tile,
                    recording: true,
                },
            );
        },
    )?;
    tape.recorded = Some(Recorded {
        shape,
        isa,
        plan,
        batch_size: sequences.batch_size,
        sequence_length: sequences.sequence_length,
        has_state: sequences.has_initial_state(),
    });
    Ok(())
}

impl<T: Real> Tape<T> {
    /// Copies the top layer's last hidden state of every sequence to `out` [batch_size, hidden_size].
    ///
    /// # Errors
    /// [`LstmError::EmptyTape`], [`LstmError::ShapeMismatch`].
    pub fn last_hidden(&self, out: &mut [T]) -> Result<(), LstmError> {
        let recorded = self.recorded.ok_or(LstmError::EmptyTape)?;
        self.read_hidden(recorded.shape.layers - 1, recorded.sequence_length, out)
    }

    /// Copies the top layer's hidden state after every step to `out` [batch_size, sequence_length, hidden_size].
    ///
    /// # Errors
    /// [`LstmError::EmptyTape`], [`LstmError::ShapeMismatch`].
    pub fn hidden(&self, out: &mut [T]) -> Result<(), LstmError> {
        let Recorded {
            shape,
            isa,
            plan,
            batch_size,
            sequence_length: length,
            ..
        } = self.recorded.ok_or(LstmError::EmptyTape)?;
        let h = shape.hidden_size;
        check_length("hidden", out.len(), batch_size * length * h)?;
        for (tile, out) in self.tiles.iter().zip(out.chunks_mut(plan.full_lanes() * length * h)) {
            for step in 0..length {
                let lanes = tile.hidden(&self.weights.layers, shape.layers - 1, step + 1);
                from_lanes(isa, lanes, h, tile.size, &mut out[step * h..], length * h);
            }
        }
        Ok(())
    }

    /// Copies a layer's hidden state after `steps` steps to `out` [batch_size, hidden_size].
    ///
    /// # Errors
    /// [`LstmError::EmptyTape`], also for a layer or step that there is not; [`LstmError::ShapeMismatch`].
    pub fn read_hidden(&self, layer: usize, steps: usize, out: &mut [T]) -> Result<(), LstmError> {
        let h = self.check_place(layer, steps, "hidden", out)?;
        self.read_tiles(out, h, |tile| tile.hidden(&self.weights.layers, layer, steps))
    }

    /// Copies a layer's last cell state to `out` [batch_size, hidden_size].
    ///
    /// # Errors
    /// [`LstmError::EmptyTape`], also for a layer that there is not; [`LstmError::ShapeMismatch`].
    pub fn last_cell(&self, layer: usize, out: &mut [T]) -> Result<(), LstmError> {
        let h = self.check_place(layer, 0, "cell", out)?;
        self.read_tiles(out, h, |tile| &tile.layers[layer].cell)
    }

    fn check_place(&self, layer: usize, steps: usize, name: &'static str, out: &[T]) -> Result<usize, LstmError> {
        let recorded = self.recorded.ok_or(LstmError::EmptyTape)?;
        if layer >= recorded.shape.layers || steps > recorded.sequence_length {
            return Err(LstmError::EmptyTape);
        }
        check_length(name, out.len(), recorded.batch_size * recorded.shape.hidden_size)?;
        Ok(recorded.shape.hidden_size)
    }

    fn read_tiles<'a>(
        &'a self,
        out: &mut [T],
        h: usize,
        lanes: impl Fn(&'a TileTape<T>) -> &'a [T],
    ) -> Result<(), LstmError> {
        let recorded = self.recorded.ok_or(LstmError::EmptyTape)?;
        for (tile, out) in self.tiles.iter().zip(out.chunks_mut(recorded.plan.full_lanes() * h)) {
            from_lanes(recorded.isa, lanes(tile), h, tile.size, out, h);
        }
        Ok(())
    }
}

/// Pulls a cotangent of the top layer's hidden states back to whatever `gradients` asks for. `weights` are those of the
/// forward pass that `tape` holds; the tape stays as it is and can be pulled back again.
///
/// # Errors
/// [`LstmError::EmptyTape`], [`LstmError::ShapeMismatch`], [`LstmError::Cancelled`].
pub fn backward<T: Real>(
    weights: &LstmWeights<T>,
    tape: &mut Tape<T>,
    cotangent: &Cotangent<'_, T>,
    gradients: &mut Gradients<'_, T>,
    control: &Control,
) -> Result<(), LstmError> {
    let recorded = tape.recorded.ok_or(LstmError::EmptyTape)?;
    let pass = BackwardPass::new(weights, recorded, cotangent, gradients)?;
    let wanted = pass.wanted;
    tape.weights.pack_backward(weights, wanted.inputs);
    let layers = &tape.weights.layers;
    let threads = pass.threads(control);
    tape.scratch
        .resize_with(threads.max(tape.scratch.len()), BackwardScratch::empty);
    for scratch in &mut tape.scratch[..threads] {
        scratch.prepare(layers, recorded.plan.full_lanes(), recorded.sequence_length, wanted);
    }
    let group_tiles = group_tiles(&recorded.plan, recorded.shape, recorded.sequence_length);
    let tiles = &tape.tiles[..recorded.plan.tile_count()];
    let groups = tiles.len().div_ceil(group_tiles);
    tape.groups
        .resize_with(groups.max(tape.groups.len()), GroupResults::default);
    let group_samples = group_tiles * recorded.plan.full_lanes();
    let mut inputs = gradients.input.as_deref_mut().unwrap_or_default();
    let input_size = group_samples * recorded.sequence_length * recorded.shape.input_size;
    let work = tiles
        .chunks(group_tiles)
        .zip(&mut tape.groups)
        .map(move |(tiles, results)| (tiles, results, split_front(&mut inputs, input_size)));
    parallel_for_each(
        control,
        work.enumerate(),
        &mut tape.scratch[..threads],
        |scratch, (index, (tiles, GroupResults { sums, states }, input))| {
            // The group's own sums serve while it runs, so that every group keeps its memory.
            std::mem::swap(sums, &mut scratch.sums);
            scratch.sums.resize_with(layers.len(), LayerSum::default);
            scratch.clear_sums(layers);
            pass.run_group(
                &tape.weights,
                tiles,
                index * group_samples,
                scratch,
                Outputs { input, states },
                control,
            );
            std::mem::swap(sums, &mut scratch.sums);
        },
    )?;
    control.check()?;
    if let Some(out) = gradients.weights.as_deref_mut() {
        out.arrays_mut().for_each(|values| values.fill(T::ZERO));
        for GroupResults { sums, .. } in &tape.groups[..groups] {
            sums.iter()
                .zip(&mut out.layers)
                .for_each(|(sum, layer)| sum.add_to(layer));
        }
    }
    scatter_states(&tape.groups[..groups], recorded, gradients);
    Ok(())
}

/// One backward pass over a tape.
struct BackwardPass<'a, T> {
    recorded: Recorded,
    cotangent: &'a Cotangent<'a, T>,
    wanted: Wanted,
}

/// Where a group of tiles writes what is per sample.
struct Outputs<'a, T> {
    /// [sample][L][F], or empty.
    input: &'a mut [T],
    /// [sample][layer][hidden, cell][H], filled if wanted.
    states: &'a mut Vec<T>,
}

impl<'a, T: Real> BackwardPass<'a, T> {
    fn new(
        weights: &LstmWeights<T>,
        recorded: Recorded,
        cotangent: &'a Cotangent<'a, T>,
        gradients: &Gradients<'_, T>,
    ) -> Result<Self, LstmError> {
        let Recorded {
            shape,
            batch_size,
            sequence_length,
            ..
        } = recorded;
        if weights.shape() != shape {
            return Err(LstmError::EmptyTape);
        }
        cotangent.validate(shape.hidden_size, batch_size, sequence_length)?;
        if let Some(out) = &gradients.weights {
            check_length(
                "gradient weights",
                out.shape().parameter_count(),
                shape.parameter_count(),
            )?;
        }
        if let Some(out) = &gradients.input {
            check_length(
                "gradient input",
                out.len(),
                batch_size * sequence_length * shape.input_size,
            )?;
        }
        for out in [&gradients.initial_hidden, &gradients.initial_cell]
            .into_iter()
            .flatten()
        {
            check_length(
                "gradient of an initial state",
                out.len(),
                shape.layers * batch_size * shape.hidden_size,
            )?;
        }
        let wanted = Wanted {
            weights: gradients.weights.is_some(),
            inputs: gradients.input.is_some(),
            states: gradients.initial_hidden.is_some() || gradients.initial_cell.is_some(),
        };
        Ok(Self {
            recorded,
            cotangent,
            wanted,
        })
    }

    fn threads(&self, control: &Control) -> usize {
        let Recorded {
            shape,
            batch_size,
            sequence_length,
            ..
        } = self.recorded;
        useful_threads::<T>(control, shape, &Sequences::new(&[], batch_size, sequence_length)).max(1)
    }

    fn run_group(
        &self,
        weights: &PackedWeights<T>,
        tiles: &[TileTape<T>],
        first_sample: usize,
        scratch: &mut BackwardScratch<T>,
        outputs: Outputs<'_, T>,
        control: &Control,
    ) {
        let Recorded {
            shape,
            isa,
            sequence_length: length,
            plan,
            ..
        } = self.recorded;
        let (h, f) = (shape.hidden_size, shape.input_size);
        let padded_h = weights.layers[0].padded_hidden_rows();
        let padded_f = weights.layers[0].padded_input_rows();
        let Outputs { input, states } = outputs;
        states.clear();
        let mut done = 0;
        let chunks = tiles
            .chunk_by(|a, b| a.size == b.size)
            .flat_map(|same| same.chunks(chunk_tiles(length)));
        for tapes in chunks {
            if control.check().is_err() {
                return;
            }
            let mut seed = |tile: usize, d_hidden: &mut [T], d_steps: &mut macrograd_simd::Buffer<T>| {
                let size = tapes[tile].size;
                let sample = first_sample + (done + tile) * plan.full_lanes();
                if let Some(values) = self.cotangent.last_hidden {
                    to_lanes(&values[sample * h..], h, h, size, d_hidden);
                }
                let Some(values) = self.cotangent.hidden else {
                    return false;
                };
                let stride = padded_h * size.lanes;
                d_steps.resize(length * stride);
                for step in 0..length {
                    let rows = &values[(sample * length + step) * h..];
                    to_lanes(rows, length * h, h, size, &mut d_steps[step * stride..][..stride]);
                }
                true
            };
            let mut finish = |tile: usize, scratch: &BackwardScratch<T>| {
                let size = tapes[tile].size;
                let sample = (done + tile) * plan.full_lanes();
                if self.wanted.inputs {
                    let lanes = TileDerivatives {
                        steps: &scratch.d_inputs[0],
                        length,
                        padded_inputs: padded_f,
                        input_size: f,
                        size,
                        isa,
                    };
                    let out = &mut input[sample * length * f..];
                    InputColumns::Every.write(lanes, &mut Vec::new(), out, length * f);
                }
                if self.wanted.states {
                    let start = states.len();
                    states.resize(start + size.samples * shape.layers * 2 * h, T::ZERO);
                    let stride = shape.layers * 2 * h;
                    for layer in 0..shape.layers {
                        let at = start + layer * 2 * h;
                        from_lanes(isa, &scratch.d_hidden[layer], h, size, &mut states[at..], stride);
                        from_lanes(isa, &scratch.d_cell[layer], h, size, &mut states[at + h..], stride);
                    }
                }
            };
            let work = BackwardTiles {
                weights,
                tapes,
                scratch,
                length,
                has_state: self.recorded.has_state,
                wanted: self.wanted,
                seed: &mut seed,
                finish: &mut finish,
            };
            T::dispatch(self.recorded.isa, work);
            done += tapes.len();
        }
    }
}

/// Moves [sample][layer][hidden, cell][H] to the callers' [layer][sample][H].
fn scatter_states<T: Real>(groups: &[GroupResults<T>], recorded: Recorded, gradients: &mut Gradients<'_, T>) {
    let (h, layers) = (recorded.shape.hidden_size, recorded.shape.layers);
    let outs = [
        gradients.initial_hidden.as_deref_mut(),
        gradients.initial_cell.as_deref_mut(),
    ];
    for (kind, out) in outs.into_iter().enumerate() {
        let Some(out) = out else { continue };
        let samples = groups
            .iter()
            .flat_map(|group| group.states.chunks_exact(layers * 2 * h));
        for (sample, values) in samples.enumerate() {
            for layer in 0..layers {
                let to = (layer * recorded.batch_size + sample) * h;
                out[to..][..h].copy_from_slice(&values[(layer * 2 + kind) * h..][..h]);
            }
        }
    }
}

/// Writes the top layer's last hidden state of every window to `last_hidden` [batch_size, hidden_size].
///
/// # Errors
/// As [`forward`].
pub fn encoder_forward<T: Real>(
    weights: &LstmWeights<T>,
    windows: &Sequences<'_, T>,
    tape: &mut Tape<T>,
    last_hidden: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    check_length(
        "last_hidden",
        last_hidden.len(),
        windows.batch_size * weights.shape().hidden_size,
    )?;
    forward(weights, windows, tape, control)?;
    tape.last_hidden(last_hidden)
}

/// Pulls `d_last_hidden` [batch_size, hidden_size] back to the weights; `gradient` is overwritten. `weights` and
/// `tape` are those of the forward pass before.
///
/// # Errors
/// As [`backward`].
pub fn encoder_backward<T: Real>(
    weights: &LstmWeights<T>,
    tape: &mut Tape<T>,
    d_last_hidden: &[T],
    gradient: &mut LstmWeights<T>,
    control: &Control,
) -> Result<(), LstmError> {
    let mut gradients = Gradients {
        weights: Some(gradient),
        ..Gradients::default()
    };
    backward(
        weights,
        tape,
        &Cotangent::of_last_hidden(d_last_hidden),
        &mut gradients,
        control,
    )
}

/// Writes the derivative of every last hidden unit with respect to every input of its window to `out`
/// [batch_size, hidden_size, sequence_length, input_size].
///
/// # Errors
/// As [`forward`].
pub fn hidden_jacobian<T: Real>(
    weights: &LstmWeights<T>,
    windows: &Sequences<'_, T>,
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    jacobian(
        weights,
        &Head::identity(weights.shape().hidden_size),
        windows,
        None,
        out,
        control,
    )
}
