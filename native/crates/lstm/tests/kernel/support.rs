//! Deterministic test data (the same numbers as test/reference/lstm_golden.py makes) and the error measure.

use macrograd_lstm::{Head, LstmShape, LstmWeights, Sequences};
use macrograd_simd::{Isa, IsaName, Real};

/// splitmix64 (Steele, Lea and Flood 2014), read as uniform numbers on [-scale, scale).
pub struct Uniform(u64);

impl Uniform {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self, scale: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        (2.0 * unit - 1.0) * scale
    }

    /// Float32 numbers, held exactly in `T`: so that float32 and float64 runs see the same data.
    pub fn vector<T: Real>(&mut self, length: usize, scale: f64) -> Vec<T> {
        (0..length)
            .map(|_| T::from_f64(f64::from(self.next(scale) as f32)))
            .collect()
    }
}

/// Sizes and magnitudes of one test case.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub shape: LstmShape,
    pub batch_size: usize,
    pub sequence_length: usize,
    pub outputs: usize,
    pub initial: bool,
    /// Weights are drawn from +- gain / sqrt(H), as PyTorch does with gain 1.
    pub gain: f64,
}

impl Sizes {
    pub fn new(h: usize, f: usize, layers: usize, batch_size: usize, sequence_length: usize) -> Self {
        let shape = LstmShape {
            input_size: f,
            hidden_size: h,
            layers,
        };
        Self {
            shape,
            batch_size,
            sequence_length,
            outputs: 2,
            initial: false,
            gain: 1.0,
        }
    }
}

/// Everything that a call needs, drawn in a fixed order.
pub struct Case<T> {
    pub sizes: Sizes,
    pub weights: LstmWeights<T>,
    pub head: Head<T>,
    pub input: Vec<T>,
    pub initial_hidden: Vec<T>,
    pub initial_cell: Vec<T>,
    /// [batch_size, sequence_length, hidden_size].
    pub d_hidden: Vec<T>,
}

impl<T: Real> Case<T> {
    pub fn new(sizes: Sizes, seed: u64) -> Self {
        let Sizes {
            shape,
            batch_size,
            sequence_length,
            outputs,
            gain,
            ..
        } = sizes;
        let mut random = Uniform::new(seed);
        let h = shape.hidden_size;
        let scale = gain / (h as f64).sqrt();
        let flat = random.vector(shape.parameter_count(), scale);
        let head_weight = random.vector(outputs * h, 1.0);
        let head_bias = random.vector(outputs, 1.0);
        let input = random.vector(batch_size * sequence_length * shape.input_size, 2.0);
        let states = shape.layers * batch_size * h;
        Self {
            sizes,
            weights: LstmWeights::from_flat(shape, &flat).expect("sizes fit"),
            head: Head::new(h, head_weight, head_bias).expect("sizes fit"),
            input,
            initial_hidden: random.vector(states, 1.0),
            initial_cell: random.vector(states, 1.0),
            d_hidden: random.vector(batch_size * sequence_length * h, 1.0),
        }
    }

    pub fn sequences(&self) -> Sequences<'_, T> {
        let mut sequences = Sequences::new(&self.input, self.sizes.batch_size, self.sizes.sequence_length);
        if self.sizes.initial {
            sequences.initial_hidden = Some(&self.initial_hidden);
            sequences.initial_cell = Some(&self.initial_cell);
        }
        sequences
    }
}

/// Largest error over largest value; panics on values that are not finite.
pub fn error<T: Real, U: Real>(actual: &[T], expected: &[U]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    assert!(actual.iter().all(|x| x.is_finite()), "a value is not finite");
    let largest = expected.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
    let error = actual
        .iter()
        .zip(expected)
        .map(|(x, y)| (x.to_f64() - y.to_f64()).abs())
        .fold(0.0, f64::max);
    if error == 0.0 {
        0.0
    } else {
        error / largest.max(f64::MIN_POSITIVE)
    }
}

/// Instruction sets of this processor, or the one that `MACROGRAD_ISA` names; says which ones go untested.
pub fn isas() -> Vec<Isa> {
    let forced = std::env::var("MACROGRAD_ISA").unwrap_or_default();
    let found = |name: IsaName| match Isa::new(name) {
        Ok(isa) => Some(isa),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    };
    let wanted = |name: &IsaName| forced.is_empty() || name.to_string() == forced;
    IsaName::ALL.into_iter().filter(wanted).filter_map(found).collect()
}
