//! Weights in the order in which the products read them.

use macrograd_simd::{Buffer, Isa, Real};

use crate::weights::{GATES, LayerWeights, LstmWeights};

/// Packed weights of all layers.
#[derive(Debug, Default)]
pub(crate) struct PackedWeights<T> {
    pub layers: Vec<PackedLayer<T>>,
}

/// Packed weights of one layer.
#[derive(Debug)]
pub(crate) struct PackedLayer<T> {
    /// F of the layer.
    pub input_size: usize,
    /// H.
    pub hidden_size: usize,
    /// Rows of a block: 4 (one unit's gates) on 16 registers, 8 (two units') on 32.
    pub block_rows: usize,
    /// Lanes of a vector.
    pub vector_lanes: usize,
    /// [block][F + H][block_rows]: the gates of one or two units. Rows of i, f and o are halved (exactly): the
    /// activations give sigmoid(2 x).
    pub gate_weights: Buffer<T>,
    /// [block][block_rows]: sum of both biases, halved likewise.
    pub gate_bias: Buffer<T>,
    /// [block][4H][block_rows]: rows are hidden units, k runs over `[unit][gate]`.
    pub hidden_weights: Buffer<T>,
    /// [block][4H][block_rows]: rows are inputs, k runs over `[unit][gate]`.
    pub input_weights: Buffer<T>,
}

/// Rows of a block of accumulators.
pub(crate) fn block_rows(isa: Isa) -> usize {
    if isa.is_wide() { 2 * GATES } else { GATES }
}

impl<T: Real> PackedWeights<T> {
    /// Packs what the forward pass reads.
    pub(crate) fn pack_forward(&mut self, weights: &LstmWeights<T>, isa: Isa) {
        let block_rows = block_rows(isa);
        let hidden_size = weights.shape().hidden_size;
        self.layers.resize_with(weights.layers.len(), PackedLayer::empty);
        for (index, (packed, layer)) in self.layers.iter_mut().zip(&weights.layers).enumerate() {
            packed.input_size = weights.shape().layer_input_size(index);
            packed.hidden_size = hidden_size;
            packed.block_rows = block_rows;
            packed.vector_lanes = isa.lanes::<T>();
            packed.pack_gates(layer);
        }
    }

    /// Packs what the backward pass reads, beside what [`PackedWeights::pack_forward`] packed; those of the first
    /// layer's inputs only if their cotangent is wanted.
    pub(crate) fn pack_backward(&mut self, weights: &LstmWeights<T>, with_inputs: bool) {
        for (index, (packed, layer)) in self.layers.iter_mut().zip(&weights.layers).enumerate() {
            let (rows, h, f) = (packed.block_rows, packed.hidden_size, packed.input_size);
            pack_transposed(&layer.weight_hh, h, h, rows, &mut packed.hidden_weights);
            if with_inputs || index > 0 {
                pack_transposed(&layer.weight_ih, h, f, rows, &mut packed.input_weights);
            }
        }
    }
}

impl<T: Real> PackedLayer<T> {
    fn empty() -> Self {
        Self {
            input_size: 0,
            hidden_size: 0,
            block_rows: GATES,
            vector_lanes: 1,
            gate_weights: Buffer::zeros(0),
            gate_bias: Buffer::zeros(0),
            hidden_weights: Buffer::zeros(0),
            input_weights: Buffer::zeros(0),
        }
    }

    /// A layer of these sizes that nothing has been packed into.
    pub(crate) fn sized(input_size: usize, hidden_size: usize, isa: Isa) -> Self {
        Self {
            input_size,
            hidden_size,
            block_rows: block_rows(isa),
            vector_lanes: isa.lanes::<T>(),
            ..Self::empty()
        }
    }

    /// F + H: rows of an operand.
    pub(crate) fn operand_rows(&self) -> usize {
        self.input_size + self.hidden_size
    }

    /// F + H rounded up to whole vectors: columns of a weight gradient.
    pub(crate) fn padded_columns(&self) -> usize {
        self.operand_rows().next_multiple_of(self.vector_lanes)
    }

    /// H rounded up to whole blocks of the forward product.
    pub(crate) fn padded_units(&self) -> usize {
        self.hidden_size.next_multiple_of(self.block_rows / GATES)
    }

    /// H rounded up to whole blocks of the backward product.
    pub(crate) fn padded_hidden_rows(&self) -> usize {
        self.hidden_size.next_multiple_of(self.block_rows)
    }

    /// F rounded up to whole blocks of the backward product.
    pub(crate) fn padded_input_rows(&self) -> usize {
        self.input_size.next_multiple_of(self.block_rows)
    }

    fn pack_gates(&mut self, layer: &LayerWeights<T>) {
        let (h, f, rows, k_size) = (self.hidden_size, self.input_size, self.block_rows, self.operand_rows());
        let units = self.padded_units();
        self.gate_weights.resize(units * GATES * k_size);
        self.gate_bias.resize(units * GATES);
        for unit in 0..units {
            let (block, row_of_unit) = (unit * GATES / rows, unit * GATES % rows);
            for gate in 0..GATES {
                let row = row_of_unit + gate;
                let out = &mut self.gate_weights[block * k_size * rows..][..k_size * rows];
                let out = out.iter_mut().skip(row).step_by(rows);
                if unit >= h {
                    out.for_each(|x| *x = T::ZERO);
                    self.gate_bias[block * rows + row] = T::ZERO;
                    continue;
                }
                let scale = if gate == 2 { T::ONE } else { T::from_f64(0.5) };
                let from = gate * h + unit;
                let values = layer.weight_ih[from * f..][..f]
                    .iter()
                    .chain(&layer.weight_hh[from * h..][..h]);
                out.zip(values).for_each(|(x, &w)| *x = scale * w);
                self.gate_bias[block * rows + row] = scale * (layer.bias_ih[from] + layer.bias_hh[from]);
            }
        }
    }
}

/// Packs a [4H, columns] matrix so that its transpose can be multiplied: out [block][4H][block_rows], rows of the
/// product are columns of the matrix, k runs over `[unit][gate]`.
fn pack_transposed<T: Real>(weight: &[T], h: usize, columns: usize, block_rows: usize, out: &mut Buffer<T>) {
    out.resize(columns.next_multiple_of(block_rows) * GATES * h);
    for (block, out) in out.chunks_exact_mut(GATES * h * block_rows).enumerate() {
        let first = block * block_rows;
        let used = block_rows.min(columns - first);
        for (k, out) in out.chunks_exact_mut(block_rows).enumerate() {
            let row = (k % GATES) * h + k / GATES;
            out[..used].copy_from_slice(&weight[row * columns + first..][..used]);
            out[used..].fill(T::ZERO);
        }
    }
}
