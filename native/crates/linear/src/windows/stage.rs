//! Estimates on their way out: put together many rows at a time, as an asset's results lie row by row.

use macrograd_simd::PastCaches;

use super::Lane;
use crate::lanes::LANES;
use crate::path::Slot;

/// Rows put together before they go out.
pub(super) const STAGE_ROWS: usize = 16;

/// Estimates on their way out.
pub(super) struct Stage<const K: usize> {
    /// `[lane][row][column]`.
    pub(super) coefficients: Vec<[[f64; K]; STAGE_ROWS]>,
    pub(super) variances: Vec<[[f64; K]; STAGE_ROWS]>,
    past_caches: Option<PastCaches>,
}

impl<const K: usize> Stage<K> {
    pub(super) fn new(past_caches: bool) -> Self {
        Self {
            coefficients: vec![[[0.0; K]; STAGE_ROWS]; LANES],
            variances: vec![[[0.0; K]; STAGE_ROWS]; LANES],
            past_caches: past_caches.then(PastCaches::new),
        }
    }

    /// Marks columns as not estimated.
    pub(super) fn void(&mut self, row: usize, columns: impl Iterator<Item = usize> + Clone) {
        for lanes in [&mut self.coefficients, &mut self.variances] {
            for rows in lanes.iter_mut() {
                columns.clone().for_each(|j| rows[row][j] = f64::NAN);
            }
        }
    }

    /// Copies the first rows to each asset's own memory, from a row on.
    pub(super) fn hand_over(&self, rows: usize, slots: &mut [Slot], at: usize) {
        let copy = |from: &[[f64; K]; STAGE_ROWS], to: &mut [f64]| {
            let from = &from.as_flattened()[..rows * K];
            match (&self.past_caches, to.get_mut(at * K..(at + rows) * K)) {
                (Some(past_caches), Some(to)) => past_caches.copy(from, to),
                (None, Some(to)) => to.copy_from_slice(from),
                // Variances that were not asked for.
                (_, None) => {}
            }
        };
        for (lane, slot) in slots.iter_mut().enumerate() {
            copy(&self.coefficients[lane], slot.coefficients);
            copy(&self.variances[lane], slot.variances);
        }
    }
}

/// Writes `[column][lane]` to one row of each lane, two by two: so it takes half the loads and stores.
#[inline(always)]
pub(super) fn turn<const K: usize>(from: &[Lane; K], to: &mut [[[f64; K]; STAGE_ROWS]], row: usize) {
    for (pair, to) in to.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let lane = 2 * pair;
        let [even, odd] = to;
        let (even, odd) = (&mut even[row], &mut odd[row]);
        for j in (0..K - K % 2).step_by(2) {
            let (first, second) = (&from[j], &from[j + 1]);
            [even[j], even[j + 1]] = [first[lane], second[lane]];
            [odd[j], odd[j + 1]] = [first[lane + 1], second[lane + 1]];
        }
        if K % 2 == 1 {
            even[K - 1] = from[K - 1][lane];
            odd[K - 1] = from[K - 1][lane + 1];
        }
    }
}
