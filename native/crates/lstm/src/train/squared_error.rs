//! Mean squared error over the observed targets, and its gradient.

use macrograd_simd::{Control, Real};

use super::dropout;
use crate::encoder::{Tape, backward, forward};
use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::sequences::{Cotangent, Gradients, Sequences};
use crate::weights::LstmWeights;

/// Sequences whose tape is alive at one time: 8 tiles of AVX-512, 24 of AVX2, few enough for the third-level
/// cache. A constant, since the order of sums depends on it.
pub(crate) const MICRO_BATCH: usize = 384;

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
    tape: Tape<T>,
    hidden: Vec<T>,
    d_hidden: Vec<T>,
    outputs: Vec<T>,
    part: LstmWeights<T>,
    /// Gradient of the LSTM's parameters.
    pub weights: LstmWeights<T>,
    /// Gradient of the head's.
    pub head: Head<T>,
}

impl<T: Real> SquaredError<T> {
    /// Buffers for a model of these sizes.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`].
    pub fn new(weights: &LstmWeights<T>, head: &Head<T>) -> Result<Self, LstmError> {
        let zeros = LstmWeights::zeros(weights.shape())?;
        let zero_head = Head::new(
            weights.shape().hidden_size,
            vec![T::ZERO; head.weight.len()],
            vec![T::ZERO; head.bias.len()],
        )?;
        Ok(Self {
            tape: Tape::default(),
            hidden: Vec::new(),
            d_hidden: Vec::new(),
            outputs: Vec::new(),
            part: zeros.clone(),
            weights: zeros,
            head: zero_head,
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
        let (shape, length) = (weights.shape(), sequences.sequence_length);
        check_length("targets", targets.values.len(), sequences.batch_size * head.outputs)?;
        sequences.validate(shape)?;
        if let Some(mask) = mask {
            check_length("dropout mask", mask.len(), sequences.batch_size * shape.hidden_size)?;
        }
        self.weights.arrays_mut().for_each(|values| values.fill(T::ZERO));
        self.head.weight.fill(T::ZERO);
        self.head.bias.fill(T::ZERO);
        let observed = targets.observed().max(1) as f64;
        let inputs = sequences.input.chunks(MICRO_BATCH * length * shape.input_size);
        let mut sum = 0.0;
        let targets = targets.values.chunks((MICRO_BATCH * head.outputs).max(1));
        for (index, (input, targets)) in inputs.zip(targets).enumerate() {
            let part = Sequences::new(input, targets.len() / head.outputs.max(1), length);
            let mask = mask.map(|mask| &mask[index * MICRO_BATCH * shape.hidden_size..]);
            let scale = T::from_f64(2.0 / observed);
            sum += self.add_part((weights, head), &part, targets, mask, scale, control)?;
        }
        Ok(sum / observed)
    }

    /// Adds one micro-batch's gradient; returns its sum of squared errors.
    fn add_part(
        &mut self,
        (weights, head): (&LstmWeights<T>, &Head<T>),
        sequences: &Sequences<'_, T>,
        targets: &[T],
        mask: Option<&[T]>,
        scale: T,
        control: &Control,
    ) -> Result<f64, LstmError> {
        self.hidden
            .resize(sequences.batch_size * weights.shape().hidden_size, T::ZERO);
        self.outputs.resize(targets.len(), T::ZERO);
        forward(weights, sequences, &mut self.tape, control)?;
        self.tape.last_hidden(&mut self.hidden)?;
        dropout::apply(&mut self.hidden, mask);
        head.apply_into(&self.hidden, &mut self.outputs);
        let mut sum = 0.0;
        for (output, &target) in self.outputs.iter_mut().zip(targets) {
            let residual = if target.is_nan() { T::ZERO } else { *output - target };
            sum += residual.to_f64() * residual.to_f64();
            *output = scale * residual;
        }
        self.d_hidden.clear();
        self.d_hidden.resize(self.hidden.len(), T::ZERO);
        head.pull_back(&self.outputs, &mut self.d_hidden);
        dropout::apply(&mut self.d_hidden, mask);
        Head::add_gradient(&self.hidden, &self.outputs, &mut self.head);
        let mut gradients = Gradients {
            weights: Some(&mut self.part),
            ..Gradients::default()
        };
        backward(
            weights,
            &mut self.tape,
            &Cotangent::of_last_hidden(&self.d_hidden),
            &mut gradients,
            control,
        )?;
        for (sum, part) in self.weights.arrays_mut().zip(self.part.arrays()) {
            sum.iter_mut().zip(part).for_each(|(sum, &x)| *sum += x);
        }
        Ok(sum)
    }
}
