//! The rows of one block of assets, one after another.

use std::ops::Range;

use macrograd_simd::{Vectorise, fetch_ahead};

use super::stage::{STAGE_ROWS, Stage, turn};
use super::sums::{Block, Sums};
use super::{Lane, Shared};
use crate::Panel;
use crate::lanes::{CANCELLATION_LIMIT, LANES};
use crate::path::Slot;
use crate::solver::Solver;
use crate::stream::Window;

/// Rows by which returns are asked for ahead: they lie a page apart, where no processor looks by itself.
const ROWS_AHEAD: usize = 8;

/// Takes one block of lanes through some rows.
pub(super) struct Stretch<'s, 'p, 'o, const K: usize> {
    pub(super) panel: &'s Panel<'p>,
    pub(super) window: &'s Window<'p>,
    /// Of the rows from `first` on.
    pub(super) design: &'s [[f64; K]],
    pub(super) first: usize,
    /// First row to estimate at.
    pub(super) from: usize,
    pub(super) rows: Range<usize>,
    pub(super) shared: &'s [Option<Shared<K>>],
    pub(super) block: &'s mut Block<K>,
    pub(super) stage: &'s mut Stage<K>,
    pub(super) slots: &'s mut [Slot<'o>],
}

impl<const K: usize> Vectorise for Stretch<'_, '_, '_, K> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut staged = 0;
        for (row, shared) in self.rows.clone().zip(self.shared) {
            self.fetch_ahead(row + ROWS_AHEAD);
            let mut y = [0.0; LANES];
            if self.window.is_observed(row) {
                for (y, &asset) in y.iter_mut().zip(&self.block.assets) {
                    *y = self.panel.value(row, asset);
                }
            }
            self.block.push(&self.design[..=row - self.first], &y);
            if row < self.from {
                continue;
            }
            match shared {
                Some(shared) => self.estimate(row, staged, shared),
                None => self.stage.void(staged, 0..K),
            }
            staged += 1;
            if staged == STAGE_ROWS || row + 1 == self.rows.end {
                self.stage.hand_over(staged, self.slots, row + 1 - staged - self.from);
                staged = 0;
            }
        }
    }
}

impl<const K: usize> Stretch<'_, '_, '_, K> {
    #[inline(always)]
    fn fetch_ahead(&self, row: usize) {
        if let (true, [first, .., last]) = (row < self.rows.end, &*self.block.assets) {
            let of_row = &self.panel.returns[row * self.panel.assets..(row + 1) * self.panel.assets];
            fetch_ahead(&of_row[*first]);
            fetch_ahead(&of_row[*last]);
        }
    }

    #[inline(always)]
    fn estimate(&mut self, row: usize, staged: usize, shared: &Shared<K>) {
        let sums = &self.block.sums;
        let mut b = [[0.0; LANES]; K];
        let mut explained = [0.0; LANES];
        for j in 0..K {
            let mut sum = [0.0; LANES];
            for i in 0..K {
                for lane in 0..LANES {
                    sum[lane] += shared.inverse[j][i] * sums.moments[i][lane];
                }
            }
            b[j] = sum;
            for lane in 0..LANES {
                explained[lane] += sum[lane] * sums.moments[j][lane];
            }
        }
        if let Some(Solver {
            projector: Some(projector),
            ..
        }) = shared.rare.as_deref()
        {
            b = self.projected(&projector.rows, &projector.matrix);
            explained = explained_by(&b, sums);
        }
        let mut rest = [0.0; LANES];
        for lane in 0..LANES {
            rest[lane] = sums.square[lane] - explained[lane];
        }
        let mut cancelled = false;
        for lane in 0..LANES {
            cancelled |= rest[lane] <= CANCELLATION_LIMIT * sums.square[lane];
        }
        if cancelled {
            self.sum_residuals(row, &b, &mut rest);
        }
        let mut variances = [[0.0; LANES]; K];
        for j in 0..K {
            for lane in 0..LANES {
                variances[j][lane] = shared.shares[j] * rest[lane];
            }
        }
        if let Some(hac) = &shared.hac {
            variances.copy_from_slice(&hac.variances(self.panel, &self.block.assets, &b));
        }
        turn(&b, &mut self.stage.coefficients, staged);
        turn(&variances, &mut self.stage.variances, staged);
        if let Some(solver) = shared.rare.as_deref() {
            self.stage.void(staged, (0..K).filter(|&j| !solver.kept[j]));
        }
    }

    /// Coefficients as sums over rows, of a badly conditioned design.
    #[cold]
    fn projected(&self, rows: &[usize], matrix: &[f64]) -> [Lane; K] {
        let mut b = [[0.0; LANES]; K];
        for (&row, weights) in rows.iter().zip(matrix.chunks_exact(K)) {
            for (lane, &asset) in self.block.assets.iter().enumerate() {
                let y = self.panel.value(row, asset);
                b.iter_mut().zip(weights).for_each(|(b, weight)| b[lane] += weight * y);
            }
        }
        b
    }

    /// Residual sums of squares of lanes where y'y - b'X'y has too few digits left.
    #[cold]
    fn sum_residuals(&self, row: usize, b: &[Lane; K], rest: &mut Lane) {
        let window = self.window.weighted_rows(row);
        for (lane, &asset) in self.block.assets.iter().enumerate() {
            if rest[lane] <= CANCELLATION_LIMIT * self.block.sums.square[lane] {
                let residual = |at: usize| {
                    let x = &self.design[at - self.first];
                    let fitted: f64 = x.iter().zip(b).map(|(x, b)| x * b[lane]).sum();
                    self.panel.value(at, asset) - fitted
                };
                rest[lane] = window.iter().map(|&(at, _)| residual(at).powi(2)).sum();
            }
        }
    }
}

/// b'X'y of every lane.
#[cold]
fn explained_by<const K: usize>(b: &[Lane; K], sums: &Sums<K>) -> Lane {
    std::array::from_fn(|lane| (0..K).map(|j| b[j][lane] * sums.moments[j][lane]).sum())
}
