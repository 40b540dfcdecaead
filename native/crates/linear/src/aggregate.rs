/// Which past rows an estimate at a row uses, and with what weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scheme {
    /// The last `window` rows, weight 1.
    Sliding { window: usize },
    /// Every row so far; weight 2^(-age / half_life).
    Decay { half_life: f64 },
}

impl Scheme {
    /// Weight of a row `age` rows back.
    pub(crate) fn weight(self, age: usize) -> f64 {
        match self {
            Scheme::Sliding { window } => f64::from(age < window),
            Scheme::Decay { half_life } => (-(age as f64) / half_life).exp2(),
        }
    }

    /// First row that matters for an estimate at `row`.
    pub(crate) fn first_row(self, row: usize) -> usize {
        match self {
            Scheme::Sliding { window } => (row + 1).saturating_sub(window),
            Scheme::Decay { .. } => 0,
        }
    }
}

/// Weighted running sums of vectors, without ever subtracting.
///
/// Sliding sums cut time into blocks of one window and add the tail of the block before to the head of this one (the
/// van Herk / Gil-Werman scheme): three additions a step, each sum made of at most `window` terms of the window
/// itself. So rounding is that of a plain sum, (window - 1) eps sum |x|: nothing drifts and a huge value that has left
/// the window leaves no trace, which up- and down-dating can't promise.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    current: Vec<f64>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Sliding {
        window: usize,
        /// `[window][size]`: rows of this block up to `position`, then suffix sums of the block before.
        block: Vec<f64>,
        head: Vec<f64>,
        position: usize,
    },
    Decay {
        factor: f64,
    },
}

impl Aggregate {
    /// Sums of vectors of `size`; with decay the weights are raised to `power`.
    pub(crate) fn new(scheme: Scheme, power: i32, size: usize) -> Self {
        let kind = match scheme {
            Scheme::Sliding { window } => Kind::Sliding {
                window,
                block: vec![0.0; window * size],
                head: vec![0.0; size],
                position: 0,
            },
            Scheme::Decay { half_life } => Kind::Decay {
                factor: (-f64::from(power) / half_life).exp2(),
            },
        };
        Self {
            current: vec![0.0; size],
            kind,
        }
    }

    /// Moves one row on and takes in its vector.
    #[inline(always)]
    pub(crate) fn push(&mut self, values: &[f64]) {
        let size = self.current.len();
        match &mut self.kind {
            Kind::Decay { factor } => {
                for (sum, value) in self.current.iter_mut().zip(values) {
                    *sum = *factor * *sum + value;
                }
            }
            Kind::Sliding {
                window,
                block,
                head,
                position,
            } => {
                block[*position * size..(*position + 1) * size].copy_from_slice(values);
                *position += 1;
                if *position == *window {
                    // The window is exactly this block: its suffix sums serve the next block.
                    for row in (1..*window).rev() {
                        let (before, after) = block[(row - 1) * size..(row + 1) * size].split_at_mut(size);
                        before.iter_mut().zip(after).for_each(|(sum, later)| *sum += *later);
                    }
                    self.current.copy_from_slice(&block[..size]);
                    head.fill(0.0);
                    *position = 0;
                } else {
                    let tail = &block[*position * size..(*position + 1) * size];
                    for (((sum, head), tail), value) in self.current.iter_mut().zip(head).zip(tail).zip(values) {
                        *head += value;
                        *sum = *head + tail;
                    }
                }
            }
        }
    }

    /// The sums as of the last row pushed.
    pub(crate) fn sums(&self) -> &[f64] {
        &self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_sum_equals_a_fresh_sum_over_1e5_steps_with_outliers() {
        // Rounding of a plain sum of 60 terms below 2 each: 60 * eps * 120.
        const BOUND: f64 = 2e-12;
        let window = 60;
        let mut aggregate = Aggregate::new(Scheme::Sliding { window }, 1, 2);
        let value = |row: usize| {
            if row % 1000 == 500 {
                1e15
            } else {
                ((row * 7919) % 1000) as f64 / 500.0
            }
        };
        for row in 0..100_000_usize {
            aggregate.push(&[value(row), 1.0]);
            let first = (row + 1).saturating_sub(window);
            assert_eq!(aggregate.sums()[1], (row + 1 - first) as f64);
            if (first..=row).all(|row| row % 1000 != 500) {
                let fresh: f64 = (first..=row).map(value).sum();
                assert!((aggregate.sums()[0] - fresh).abs() < BOUND);
            }
        }
    }

    #[test]
    fn decaying_sum_equals_its_definition() {
        let scheme = Scheme::Decay { half_life: 12.0 };
        let mut aggregate = Aggregate::new(scheme, 2, 1);
        let value = |row: usize| ((row * 37) % 11) as f64;
        for row in 0..400 {
            aggregate.push(&[value(row)]);
        }
        let fresh: f64 = (0..400).map(|row| scheme.weight(399 - row).powi(2) * value(row)).sum();
        assert!((aggregate.sums()[0] / fresh - 1.0).abs() < 1e-13);
    }
}
