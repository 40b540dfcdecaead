//! Sums over sliding windows of the returns of a block of assets.

use super::Lane;
use crate::lanes::LANES;

/// X'y and y'y of every lane.
#[derive(Clone, Copy)]
pub(super) struct Sums<const K: usize> {
    pub(super) moments: [Lane; K],
    pub(super) square: Lane,
}

impl<const K: usize> Sums<K> {
    const ZERO: Self = Self {
        moments: [[0.0; LANES]; K],
        square: [0.0; LANES],
    };

    /// other + one row.
    #[inline(always)]
    fn set(&mut self, other: &Self, x: &[f64; K], y: &Lane) {
        for j in 0..K {
            for lane in 0..LANES {
                self.moments[j][lane] = other.moments[j][lane] + x[j] * y[lane];
            }
        }
        for lane in 0..LANES {
            self.square[lane] = other.square[lane] + y[lane] * y[lane];
        }
    }

    /// Adds one row to `head`; head + tail.
    #[inline(always)]
    fn take(&mut self, head: &mut Self, tail: &Self, x: &[f64; K], y: &Lane) {
        for j in 0..K {
            for lane in 0..LANES {
                let sum = head.moments[j][lane] + x[j] * y[lane];
                head.moments[j][lane] = sum;
                self.moments[j][lane] = sum + tail.moments[j][lane];
            }
        }
        for lane in 0..LANES {
            let sum = head.square[lane] + y[lane] * y[lane];
            head.square[lane] = sum;
            self.square[lane] = sum + tail.square[lane];
        }
    }
}

/// Sums over the window of up to [`LANES`] assets, without subtraction: time is cut into pieces of one window, of which a window
/// holds the end of one and the head of the next (van Herk / Gil-Werman, as [`crate::aggregate::Aggregate`]).
pub(super) struct Block<const K: usize> {
    pub(super) assets: Vec<usize>,
    /// Returns of this piece so far, 0 where missing.
    returns: Vec<Lane>,
    head: Sums<K>,
    /// `[row of the piece]`: sums over the piece before, from that row on.
    tails: Vec<Sums<K>>,
    position: usize,
    /// Over the window as of the last row.
    pub(super) sums: Sums<K>,
}

impl<const K: usize> Block<K> {
    pub(super) fn new(assets: &[usize], window: usize) -> Self {
        Self {
            assets: assets.to_vec(),
            returns: vec![[0.0; LANES]; window],
            head: Sums::ZERO,
            tails: vec![Sums::ZERO; window],
            position: 0,
            sums: Sums::ZERO,
        }
    }

    /// Takes in the last row of `design`, which reaches back to the first row of this piece or further.
    #[inline(always)]
    pub(super) fn push(&mut self, design: &[[f64; K]], y: &Lane) {
        let Some(x) = design.last() else { return };
        self.returns[self.position] = *y;
        self.position += 1;
        if self.position < self.returns.len() {
            self.sums.take(&mut self.head, &self.tails[self.position], x, y);
            return;
        }
        self.sums.take(&mut self.head, &Sums::ZERO, x, y);
        self.head = Sums::ZERO;
        let mut later = &Sums::ZERO;
        let piece = design[design.len() - self.position..].iter().zip(&self.returns);
        for (tail, (x, y)) in self.tails.iter_mut().zip(piece).rev() {
            tail.set(later, x, y);
            later = tail;
        }
        self.position = 0;
    }
}
