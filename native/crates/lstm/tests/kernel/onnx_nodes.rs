//! The LSTM node cases of the ONNX standard (onnx.backend.test.case.node.lstm, onnx 1.23.2): all weights of a case are
//! alike, so that its hidden units are too and one number a sequence tells all. Reverse is the reversed sequence,
//! bidirectional both; peepholes the kernel does not have, and packages/onnx refuses them by name.

use macrograd_lstm::{LstmShape, LstmWeights, Sequences, Tape, encoder_forward};
use macrograd_simd::{Control, Isa};

use crate::support::isas;

/// Decimals of the standard's float32 results.
const BOUND: f32 = 1e-6;

struct Node {
    name: &'static str,
    input_size: usize,
    hidden_size: usize,
    weight: f32,
    bias: f32,
    sequence_length: usize,
    input: &'static [f32],
    /// Last hidden state, one number a sequence.
    hidden: &'static [f32],
    /// Last cell state, likewise; empty where the case gives none.
    cell: &'static [f32],
}

const SIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const REVERSED: [f32; 6] = [5.0, 6.0, 3.0, 4.0, 1.0, 2.0];
const NINE: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

const NODES: [Node; 6] = [
    Node {
        name: "test_lstm_defaults",
        input_size: 2,
        hidden_size: 3,
        weight: 0.1,
        bias: 0.0,
        sequence_length: 1,
        input: &SIX,
        hidden: &[0.095_241_204, 0.256_064_47, 0.403_237_76],
        cell: &[],
    },
    Node {
        name: "test_lstm_with_initial_bias",
        input_size: 3,
        hidden_size: 4,
        weight: 0.1,
        bias: 0.1,
        sequence_length: 1,
        input: &NINE,
        hidden: &[0.256_064_47, 0.536_727_8, 0.667_213_2],
        cell: &[],
    },
    Node {
        name: "test_lstm_batchwise",
        input_size: 2,
        hidden_size: 7,
        weight: 0.3,
        bias: 0.0,
        sequence_length: 1,
        input: &SIX,
        hidden: &[0.333_692_6, 0.622_393_2, 0.718_579],
        cell: &[],
    },
    Node {
        name: "test_lstm_reverse",
        input_size: 2,
        hidden_size: 3,
        weight: 0.1,
        bias: 0.0,
        sequence_length: 3,
        input: &REVERSED,
        hidden: &[0.404_125_03],
        cell: &[0.797_023_3],
    },
    Node {
        name: "test_lstm_bidirectional, forward",
        input_size: 2,
        hidden_size: 3,
        weight: 0.5,
        bias: 0.0,
        sequence_length: 3,
        input: &SIX,
        hidden: &[0.990_224_4],
        cell: &[2.712_913],
    },
    Node {
        name: "test_lstm_bidirectional, backward",
        input_size: 2,
        hidden_size: 3,
        weight: 2.0,
        bias: 0.0,
        sequence_length: 3,
        input: &REVERSED,
        hidden: &[0.995_047],
        cell: &[2.999_977],
    },
];

fn assert_states(node: &Node, isa: Isa) {
    let shape = LstmShape {
        input_size: node.input_size,
        hidden_size: node.hidden_size,
        layers: 1,
    };
    let mut weights = LstmWeights::<f32>::zeros(shape).expect("sizes above 0");
    weights.layers[0].weight_ih.fill(node.weight);
    weights.layers[0].weight_hh.fill(node.weight);
    weights.layers[0].bias_ih.fill(node.bias);
    let batch_size = node.hidden.len();
    let windows = Sequences::new(node.input, batch_size, node.sequence_length);
    let mut tape = Tape::default();
    let (mut hidden, mut cell) = (
        vec![0.0; batch_size * node.hidden_size],
        vec![0.0; batch_size * node.hidden_size],
    );
    encoder_forward(
        &weights,
        &windows,
        &mut tape,
        &mut hidden,
        &Control::with_threads(1).on(isa),
    )
    .expect("valid");
    tape.last_cell(0, &mut cell).expect("recorded");
    for (values, expected) in [(&hidden, node.hidden), (&cell, node.cell)] {
        for (row, &want) in values.chunks(node.hidden_size).zip(expected) {
            let near = |x: &f32| (x - want).abs() <= BOUND * want.abs().max(1.0);
            assert!(row.iter().all(near), "{} on {isa:?}: {row:?} for {want}", node.name);
        }
    }
}

#[test]
fn lstm_nodes_of_the_onnx_standard_give_its_states_on_every_isa() {
    for isa in isas() {
        NODES.iter().for_each(|node| assert_states(node, isa));
    }
}
