//! Mean squared error over the observed targets, and its gradient.

use std::ops::Range;

use macrograd_simd::{Buffer, Control, Isa, Real, parallel_for_each};

use super::dropout;
use crate::encoder::{group_tiles, useful_threads};
use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::kernel::{
    BackwardScratch, BackwardTiles, ForwardTile, LayerSum, PackedWeights, TilePlan, TileTape, Wanted, chunk_tiles,
    from_lanes, to_lanes,
};
use crate::sequences::Sequences;
use crate::weights::LstmWeights;

/// What the model should give: NaN = missing.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a, T> {
    /// [batch_size, outputs].
    pub values: &'a [T],
}

impl<T: Real> Targets<'_, T> {
    /// Targets that are not missing.
    #[must_use]
    pub fn observed(&self) -> usize {
        self.values.iter().filter(|y| !y.is_nan()).count()
    }
}

/// Loss and gradient of one batch, with the buffers that they need.
#[derive(Debug)]
pub struct SquaredError<T> {
    packed: PackedWeights<T>,
    /// One a thread.
    scratch: Vec<TileScratch<T>>,
    /// One a group of tiles; see `group_tiles`.
    groups: Vec<GroupSum<T>>,
    /// Gradient of the LSTM's parameters.
    pub weights: LstmWeights<T>,
    /// Gradient of the head's.
    pub head: Head<T>,
}

/// Buffers of one thread: a few tiles go forward, through the loss and back before the next ones start, so that what they
/// leave is still in the cache.
#[derive(Debug)]
struct TileScratch<T> {
    tapes: Vec<TileTape<T>>,
    backward: BackwardScratch<T>,
    hidden: Vec<T>,
    d_hidden: Vec<T>,
    outputs: Vec<T>,
}

impl<T: Real> Default for TileScratch<T> {
    fn default() -> Self {
        Self {
            tapes: Vec::new(),
            backward: BackwardScratch::empty(),
            hidden: Vec::new(),
            d_hidden: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

/// What a group of tiles adds to loss and gradient.
#[derive(Debug)]
struct GroupSum<T> {
    squares: f64,
    layers: Vec<LayerSum<T>>,
    head: Head<T>,
}

impl<T: Real> SquaredError<T> {
    /// Buffers for a model of these sizes.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`].
    pub fn new(weights: &LstmWeights<T>, head: &Head<T>) -> Result<Self, LstmError> {
        Ok(Self {
            packed: PackedWeights::default(),
            scratch: Vec::new(),
            groups: Vec::new(),
            weights: LstmWeights::zeros(weights.shape())?,
            head: Head::new(
                weights.shape().hidden_size,
                vec![T::ZERO; head.weight.len()],
                vec![T::ZERO; head.bias.len()],
            )?,
        })
    }

    /// Whether the buffers fit a model of these sizes.
    pub(super) fn fits(&self, weights: &LstmWeights<T>, head: &Head<T>) -> bool {
        self.weights.shape() == weights.shape() && self.head.outputs == head.outputs
    }

    /// Mean squared error over the observed targets; 0 if there is none. Its gradient is left in `self`. The head reads the
    /// last hidden states times `mask` [batch_size, hidden_size] if there is one.
    ///
    /// # Errors
    /// As [`crate::predict`].
    pub fn evaluate(
        &mut self,
        (weights, head): (&LstmWeights<T>, &Head<T>),
        sequences: &Sequences<'_, T>,
        targets: Targets<'_, T>,
        mask: Option<&[T]>,
        control: &Control,
    ) -> Result<f64, LstmError> {
        let (shape, isa) = (weights.shape(), control.isa()?);
        check_length("targets", targets.values.len(), sequences.batch_size * head.outputs)?;
        sequences.validate(shape)?;
        weights.check_finite()?;
        if let Some(mask) = mask {
            check_length("dropout mask", mask.len(), sequences.batch_size * shape.hidden_size)?;
        }
        let observed = targets.observed().max(1) as f64;
        self.packed.pack_forward(weights, isa);
        self.packed.pack_backward(weights, false);
        let plan = TilePlan::new::<T>(sequences.batch_size, isa);
        let tiles = group_tiles(&plan, shape, sequences.sequence_length);
        let groups = plan.tile_count().div_ceil(tiles);
        let zero = &self.head;
        self.groups.resize_with(groups.max(self.groups.len()), || GroupSum {
            squares: 0.0,
            layers: Vec::new(),
            head: zero.clone(),
        });
        let threads = useful_threads(control, shape, sequences).clamp(1, groups.max(1));
        self.scratch
            .resize_with(threads.max(self.scratch.len()), TileScratch::default);
        let pass = LossPass {
            weights: &self.packed,
            head,
            sequences,
            targets,
            mask,
            scale: T::from_f64(2.0 / observed),
            plan,
            isa,
        };
        for scratch in &mut self.scratch[..threads] {
            let lanes = plan.full_lanes();
            let layers = &self.packed.layers;
            scratch
                .backward
                .prepare(layers, lanes, sequences.sequence_length, LossPass::<T>::WANTED);
        }
        parallel_for_each(
            control,
            self.groups[..groups].iter_mut().enumerate(),
            &mut self.scratch[..threads],
            |scratch, (group, sum)| {
                let last = ((group + 1) * tiles).min(plan.tile_count());
                pass.run_group(group * tiles..last, scratch, sum, control);
            },
        )?;
        control.check()?;
        Ok(self.add_groups(groups) / observed)
    }

    /// Adds the first `count` groups up, in their order; returns the sum of squared errors.
    fn add_groups(&mut self, count: usize) -> f64 {
        self.weights.arrays_mut().for_each(|values| values.fill(T::ZERO));
        self.head.weight.fill(T::ZERO);
        self.head.bias.fill(T::ZERO);
        let mut squares = 0.0;
        for group in &self.groups[..count] {
            squares += group.squares;
            let layers = group.layers.iter().zip(&mut self.weights.layers);
            layers.for_each(|(sum, layer)| sum.add_to(layer));
            add(&mut self.head.weight, &group.head.weight);
            add(&mut self.head.bias, &group.head.bias);
        }
        squares
    }
}

fn add<T: Real>(sums: &mut [T], values: &[T]) {
    sums.iter_mut().zip(values).for_each(|(sum, &x)| *sum += x);
}

/// What all tiles of one evaluation share.
struct LossPass<'a, T> {
    weights: &'a PackedWeights<T>,
    head: &'a Head<T>,
    sequences: &'a Sequences<'a, T>,
    targets: Targets<'a, T>,
    mask: Option<&'a [T]>,
    /// 2 / observed targets.
    scale: T,
    plan: TilePlan,
    isa: Isa,
}

impl<T: Real> LossPass<'_, T> {
    const WANTED: Wanted = Wanted {
        weights: true,
        inputs: false,
        states: false,
    };

    /// Tiles `tiles`; ends early when cancelled.
    fn run_group(&self, tiles: Range<usize>, scratch: &mut TileScratch<T>, sum: &mut GroupSum<T>, control: &Control) {
        sum.squares = 0.0;
        sum.head.weight.fill(T::ZERO);
        sum.head.bias.fill(T::ZERO);
        let layers = &self.weights.layers;
        std::mem::swap(&mut sum.layers, &mut scratch.backward.sums);
        scratch.backward.sums.resize_with(layers.len(), LayerSum::default);
        scratch.backward.clear_sums(layers);
        let chunk = chunk_tiles(self.sequences.sequence_length);
        let mut first = tiles.start;
        while first < tiles.end && control.check().is_ok() {
            // Tiles of one size at a time: the last of the batch may be narrower.
            let size = self.plan.tile(first);
            let same = (first..tiles.end.min(first + chunk)).take_while(|&tile| self.plan.tile(tile) == size);
            let end = first + same.count();
            self.forward(first..end, scratch);
            sum.squares += self.head_and_loss(first..end, scratch, &mut sum.head);
            self.backward(first..end, scratch);
            first = end;
        }
        std::mem::swap(&mut sum.layers, &mut scratch.backward.sums);
    }

    fn forward(&self, tiles: Range<usize>, scratch: &mut TileScratch<T>) {
        let layers = &self.weights.layers;
        scratch
            .tapes
            .resize_with(tiles.len().max(scratch.tapes.len()), TileTape::empty);
        for (tile, tape) in tiles.zip(&mut scratch.tapes) {
            tape.prepare(layers, self.plan.tile(tile), self.sequences.sequence_length, true);
            let work = ForwardTile {
                weights: self.weights,
                sequences: self.sequences,
                first_sample: self.plan.samples(tile).start,
                tape,
                recording: true,
            };
            T::dispatch(self.isa, work);
        }
    }

    /// Outputs, squared errors (which are returned) and their cotangents; adds to the head's gradient.
    fn head_and_loss(&self, tiles: Range<usize>, scratch: &mut TileScratch<T>, gradient: &mut Head<T>) -> f64 {
        let (h, outputs) = (self.head.hidden_size(), self.head.outputs);
        let samples = self.plan.samples(tiles.start).start..self.plan.samples(tiles.end - 1).end;
        let mask = self.mask.map(|mask| &mask[samples.start * h..samples.end * h]);
        scratch.hidden.resize(samples.len() * h, T::ZERO);
        let rows = scratch.hidden.chunks_mut(self.plan.full_lanes() * h);
        for (tape, rows) in scratch.tapes.iter().zip(rows) {
            let top = self.weights.layers.len() - 1;
            let lanes = tape.hidden(&self.weights.layers, top, self.sequences.sequence_length);
            from_lanes(self.isa, lanes, h, tape.size, rows, h);
        }
        dropout::apply(&mut scratch.hidden, mask);
        scratch.outputs.resize(samples.len() * outputs, T::ZERO);
        self.head.apply_into(&scratch.hidden, &mut scratch.outputs);
        let targets = &self.targets.values[samples.start * outputs..samples.end * outputs];
        let mut squares = 0.0;
        for (output, &target) in scratch.outputs.iter_mut().zip(targets) {
            let residual = if target.is_nan() { T::ZERO } else { *output - target };
            squares += residual.to_f64() * residual.to_f64();
            *output = self.scale * residual;
        }
        Head::add_gradient(&scratch.hidden, &scratch.outputs, gradient);
        scratch.d_hidden.clear();
        scratch.d_hidden.resize(scratch.hidden.len(), T::ZERO);
        self.head.pull_back(&scratch.outputs, &mut scratch.d_hidden);
        dropout::apply(&mut scratch.d_hidden, mask);
        squares
    }

    fn backward(&self, tiles: Range<usize>, scratch: &mut TileScratch<T>) {
        let TileScratch {
            tapes,
            backward,
            d_hidden,
            ..
        } = scratch;
        let tapes = &tapes[..tiles.len()];
        let h = self.head.hidden_size();
        let tile_rows = self.plan.full_lanes() * h;
        let mut seed = |tile: usize, lanes: &mut [T], _: &mut Buffer<T>| {
            to_lanes(&d_hidden[tile * tile_rows..], h, h, tapes[tile].size, lanes);
            false
        };
        let work = BackwardTiles {
            weights: self.weights,
            tapes,
            scratch: backward,
            length: self.sequences.sequence_length,
            has_state: self.sequences.has_initial_state(),
            wanted: Self::WANTED,
            seed: &mut seed,
            finish: &mut |_, _| (),
        };
        T::dispatch(self.isa, work);
    }
}
