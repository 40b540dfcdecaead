//! The slow twin: every operation of the kernel in plain scalar loops, one sample after another. It is what the fast
//! path is tested against, and is itself tested against PyTorch golden files. Equations: docs/derivations/lstm.md.

use macrograd_simd::Real;

use crate::error::LstmError;
use crate::head::Head;
use crate::sequences::{Cotangent, Sequences};
use crate::weights::{GATES, LayerWeights, LstmShape, LstmWeights};

/// Everything that a forward pass leaves behind for the backward pass.
#[derive(Debug, Clone)]
pub struct Trace<T> {
    shape: LstmShape,
    sequence_length: usize,
    /// Per sample, then per layer.
    samples: Vec<Vec<LayerTrace<T>>>,
}

/// One layer of one sample. State arrays have one row more than steps: row 0 is the initial state.
#[derive(Debug, Clone)]
struct LayerTrace<T> {
    /// [L, input of the layer].
    input: Vec<T>,
    /// [L, 4H] after their activations, gate-major as the weights' rows.
    gates: Vec<T>,
    /// [L + 1, H].
    cell: Vec<T>,
    /// [L + 1, H].
    hidden: Vec<T>,
}

/// Results of [`backward`], shaped as [`crate::Gradients`].
#[derive(Debug, Clone)]
pub struct ReferenceGradients<T> {
    /// Summed over the batch.
    pub weights: LstmWeights<T>,
    /// [batch_size, sequence_length, input_size].
    pub input: Vec<T>,
    /// [layers, batch_size, hidden_size].
    pub initial_hidden: Vec<T>,
    /// [layers, batch_size, hidden_size].
    pub initial_cell: Vec<T>,
}

impl<T: Real> Trace<T> {
    /// Last hidden state of the top layer, [batch_size, hidden_size].
    #[must_use]
    pub fn last_hidden(&self) -> Vec<T> {
        let h = self.shape.hidden_size;
        let top = self.shape.layers - 1;
        self.samples
            .iter()
            .flat_map(|layers| layers[top].hidden[self.sequence_length * h..].to_vec())
            .collect()
    }

    /// Hidden state of the top layer at every step, [batch_size, sequence_length, hidden_size].
    #[must_use]
    pub fn hidden(&self) -> Vec<T> {
        let h = self.shape.hidden_size;
        let top = self.shape.layers - 1;
        self.samples
            .iter()
            .flat_map(|layers| layers[top].hidden[h..].to_vec())
            .collect()
    }

    /// Last cell state of every layer, [layers, batch_size, hidden_size].
    #[must_use]
    pub fn last_cell(&self) -> Vec<T> {
        let h = self.shape.hidden_size;
        let last = |layer: usize| {
            self.samples
                .iter()
                .flat_map(move |s| s[layer].cell[self.sequence_length * h..].iter())
        };
        (0..self.shape.layers)
            .flat_map(|layer| last(layer).copied().collect::<Vec<T>>())
            .collect()
    }
}

/// Runs all sequences through all layers.
///
/// # Errors
/// What [`Sequences::validate`] refuses.
pub fn forward<T: Real>(weights: &LstmWeights<T>, sequences: &Sequences<'_, T>) -> Result<Trace<T>, LstmError> {
    let shape = weights.shape();
    sequences.validate(shape)?;
    let (batch_size, length, h) = (sequences.batch_size, sequences.sequence_length, shape.hidden_size);
    let sample_size = length * shape.input_size;
    let initial = |states: Option<&[T]>, layer: usize, sample: usize| match states {
        Some(values) => values[(layer * batch_size + sample) * h..][..h].to_vec(),
        None => vec![T::ZERO; h],
    };
    let samples = (0..batch_size).map(|sample| {
        let mut input = sequences.input[sample * sample_size..][..sample_size].to_vec();
        let mut traces = Vec::with_capacity(shape.layers);
        for (index, layer) in weights.layers.iter().enumerate() {
            let trace = forward_layer(
                layer,
                input,
                length,
                initial(sequences.initial_hidden, index, sample),
                initial(sequences.initial_cell, index, sample),
            );
            input = trace.hidden[h..].to_vec();
            traces.push(trace);
        }
        traces
    });
    Ok(Trace {
        shape,
        sequence_length: length,
        samples: samples.collect(),
    })
}

fn forward_layer<T: Real>(
    weights: &LayerWeights<T>,
    input: Vec<T>,
    length: usize,
    initial_hidden: Vec<T>,
    initial_cell: Vec<T>,
) -> LayerTrace<T> {
    let h = initial_hidden.len();
    let f = input.len() / length;
    let mut trace = LayerTrace {
        input,
        gates: Vec::new(),
        cell: initial_cell,
        hidden: initial_hidden,
    };
    for step in 0..length {
        let x = &trace.input[step * f..][..f];
        let previous = &trace.hidden[step * h..][..h];
        let mut gates = vec![T::ZERO; GATES * h];
        for (row, gate) in gates.iter_mut().enumerate() {
            let ih = dot(&weights.weight_ih[row * f..][..f], x);
            let hh = dot(&weights.weight_hh[row * h..][..h], previous);
            let a = ih + weights.bias_ih[row] + hh + weights.bias_hh[row];
            *gate = if row / h == 2 { a.tanh() } else { sigmoid(a) };
        }
        for unit in 0..h {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * h + unit]);
            let cell = f * trace.cell[step * h + unit] + i * g;
            trace.cell.push(cell);
            trace.hidden.push(o * cell.tanh());
        }
        trace.gates.extend(gates);
    }
    trace
}

/// Pulls a cotangent of the top layer's hidden states back to all weights, inputs and initial states.
///
/// # Errors
/// [`LstmError::ShapeMismatch`].
pub fn backward<T: Real>(
    weights: &LstmWeights<T>,
    trace: &Trace<T>,
    cotangent: &Cotangent<'_, T>,
) -> Result<ReferenceGradients<T>, LstmError> {
    let shape = weights.shape();
    let (batch_size, length, h) = (trace.samples.len(), trace.sequence_length, shape.hidden_size);
    cotangent.validate(h, batch_size, length)?;
    let mut gradients = ReferenceGradients {
        weights: LstmWeights::zeros(shape)?,
        input: Vec::with_capacity(batch_size * length * shape.input_size),
        initial_hidden: vec![T::ZERO; shape.layers * batch_size * h],
        initial_cell: vec![T::ZERO; shape.layers * batch_size * h],
    };
    for (sample, layers) in trace.samples.iter().enumerate() {
        let mut d_hidden = vec![T::ZERO; length * h];
        if let Some(values) = cotangent.hidden {
            d_hidden.copy_from_slice(&values[sample * length * h..][..length * h]);
        }
        if let Some(values) = cotangent.last_hidden {
            for unit in 0..h {
                d_hidden[(length - 1) * h + unit] += values[sample * h + unit];
            }
        }
        for (index, layer) in layers.iter().enumerate().rev() {
            let pulled = backward_layer(
                &weights.layers[index],
                layer,
                &d_hidden,
                &mut gradients.weights.layers[index],
            );
            let at = (index * batch_size + sample) * h;
            gradients.initial_hidden[at..][..h].copy_from_slice(&pulled.initial_hidden);
            gradients.initial_cell[at..][..h].copy_from_slice(&pulled.initial_cell);
            d_hidden = pulled.input;
        }
        gradients.input.extend(d_hidden);
    }
    Ok(gradients)
}

struct Pulled<T> {
    input: Vec<T>,
    initial_hidden: Vec<T>,
    initial_cell: Vec<T>,
}

/// Back through time in one layer of one sample; `d_hidden` [L, H]; weight gradients are added to `gradient`.
fn backward_layer<T: Real>(
    weights: &LayerWeights<T>,
    trace: &LayerTrace<T>,
    d_hidden: &[T],
    gradient: &mut LayerWeights<T>,
) -> Pulled<T> {
    let length = trace.gates.len() / weights.bias_ih.len();
    let h = trace.hidden.len() / (length + 1);
    let f = trace.input.len() / length;
    let mut pulled = Pulled {
        input: vec![T::ZERO; length * f],
        initial_hidden: vec![T::ZERO; h],
        initial_cell: vec![T::ZERO; h],
    };
    for step in (0..length).rev() {
        let mut d_gates = vec![T::ZERO; GATES * h];
        for unit in 0..h {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| trace.gates[(step * GATES + gate) * h + unit]);
            let tanh_cell = trace.cell[(step + 1) * h + unit].tanh();
            let dh = d_hidden[step * h + unit] + pulled.initial_hidden[unit];
            let dc = pulled.initial_cell[unit] + dh * o * (T::ONE - tanh_cell * tanh_cell);
            d_gates[unit] = dc * g * i * (T::ONE - i);
            d_gates[h + unit] = dc * trace.cell[step * h + unit] * f * (T::ONE - f);
            d_gates[2 * h + unit] = dc * i * (T::ONE - g * g);
            d_gates[3 * h + unit] = dh * tanh_cell * o * (T::ONE - o);
            pulled.initial_cell[unit] = dc * f;
        }
        let x = &trace.input[step * f..][..f];
        let previous = &trace.hidden[step * h..][..h];
        pulled.initial_hidden.fill(T::ZERO);
        for (row, &d_gate) in d_gates.iter().enumerate() {
            gradient.bias_ih[row] += d_gate;
            gradient.bias_hh[row] += d_gate;
            add_scaled(&mut gradient.weight_ih[row * f..][..f], d_gate, x);
            add_scaled(&mut gradient.weight_hh[row * h..][..h], d_gate, previous);
            add_scaled(
                &mut pulled.input[step * f..][..f],
                d_gate,
                &weights.weight_ih[row * f..][..f],
            );
            add_scaled(&mut pulled.initial_hidden, d_gate, &weights.weight_hh[row * h..][..h]);
        }
    }
    pulled
}

/// Derivative of every head output with respect to every input: [batch_size, outputs, sequence_length, input_size].
///
/// # Errors
/// What [`forward`] refuses.
pub fn jacobian<T: Real>(
    weights: &LstmWeights<T>,
    head: &Head<T>,
    sequences: &Sequences<'_, T>,
) -> Result<Vec<T>, LstmError> {
    let shape = weights.shape();
    let trace = forward(weights, sequences)?;
    let block = sequences.sequence_length * shape.input_size;
    let mut out = vec![T::ZERO; sequences.batch_size * head.outputs * block];
    for output in 0..head.outputs {
        let row = &head.weight[output * shape.hidden_size..][..shape.hidden_size];
        let pulled = backward(
            weights,
            &trace,
            &Cotangent::of_last_hidden(&row.repeat(sequences.batch_size)),
        )?;
        for sample in 0..sequences.batch_size {
            out[(sample * head.outputs + output) * block..][..block]
                .copy_from_slice(&pulled.input[sample * block..][..block]);
        }
    }
    Ok(out)
}

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).map(|(&x, &y)| x * y).sum()
}

fn add_scaled<T: Real>(out: &mut [T], scale: T, values: &[T]) {
    for (sum, &x) in out.iter_mut().zip(values) {
        *sum += scale * x;
    }
}

/// 1 / (1 + e^-x), without overflow on either side.
fn sigmoid<T: Real>(x: T) -> T {
    if x < T::ZERO {
        let e = x.exp();
        e / (T::ONE + e)
    } else {
        T::ONE / (T::ONE + (-x).exp())
    }
}
