use macrograd_simd::Vectorise;

use crate::Panel;
use crate::aggregate::{Aggregate, Scheme};
use crate::stream::{Window, WindowRow};

/// Assets that are worked on side by side, one a SIMD lane: 512 bits of float64. A fixed number, so that
/// no bit depends on the machine.
pub(crate) const LANES: usize = 8;

/// Below this share of y'Wy the residual sum of squares is summed from residuals: y'Wy - b'X'Wy would keep fewer than
/// 10 digits.
pub(crate) const CANCELLATION_LIMIT: f64 = 1e-6;

/// Moving regressions of up to [`LANES`] assets that miss the same rows.
pub(crate) struct Lanes<'a> {
    panel: &'a Panel<'a>,
    market: Option<&'a [f64]>,
    assets: Vec<usize>,
    /// `[column + 2][lane]`: X'Wy, y'Wy, m'Wy.
    sums: Aggregate,
    values: Vec<f64>,
    estimate: Estimate,
}

/// Coefficients and noise of every lane as of one row.
pub(crate) struct Estimate {
    /// `[column][lane]`, 0 for dropped columns.
    pub coefficients: Vec<f64>,
    pub variance: [f64; LANES],
    /// `[column]`: sampling variances of the coefficients, the noise of one variance.
    pub variances: Vec<[f64; LANES]>,
    /// Noise covariance with the market on the same rows; 0 without a market.
    pub market_covariance: [f64; LANES],
}

impl<'a> Lanes<'a> {
    pub(crate) fn new(panel: &'a Panel<'a>, assets: &[usize], scheme: Scheme, market: Option<&'a [f64]>) -> Self {
        let rows = panel.columns + 1 + usize::from(market.is_some());
        Self {
            panel,
            market,
            assets: assets.to_vec(),
            sums: Aggregate::new(scheme, 1, rows * LANES),
            values: vec![0.0; rows * LANES],
            estimate: Estimate {
                coefficients: vec![0.0; panel.columns * LANES],
                variance: [f64::NAN; LANES],
                variances: vec![[f64::NAN; LANES]; panel.columns],
                market_covariance: [0.0; LANES],
            },
        }
    }

    pub(crate) fn assets(&self) -> &[usize] {
        &self.assets
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, row: usize, window: &Window) {
        if window.is_observed(row) {
            let y = self.row_values(row);
            let x = self.panel.design_row(row);
            let (moments, squares) = self.values.split_at_mut(x.len() * LANES);
            for (out, &x) in moments.as_chunks_mut::<LANES>().0.iter_mut().zip(x) {
                scale_to(out, &y, x);
            }
            let mut squares = squares.as_chunks_mut::<LANES>().0.iter_mut();
            if let Some(out) = squares.next() {
                for lane in 0..LANES {
                    out[lane] = y[lane] * y[lane];
                }
            }
            if let (Some(out), Some(market)) = (squares.next(), self.market) {
                scale_to(out, &y, market[row]);
            }
        } else {
            self.values.fill(0.0);
        }
        self.sums.push(&self.values);
    }

    /// Solves all lanes as of the last row pushed.
    #[inline(always)]
    pub(crate) fn estimate(&mut self, window: &Window, row: &WindowRow) {
        let k = self.panel.columns;
        self.solve(row);
        let sums = self.sums.sums().as_chunks::<LANES>().0;
        let b = self.estimate.coefficients.as_chunks::<LANES>().0;
        let total = sums[k];
        let mut explained = [0.0; LANES];
        for (moment, b) in sums[..k].iter().zip(b) {
            for lane in 0..LANES {
                explained[lane] += moment[lane] * b[lane];
            }
        }
        let mut rest = [0.0; LANES];
        let mut cancelled = false;
        for lane in 0..LANES {
            rest[lane] = total[lane] - explained[lane];
            cancelled |= rest[lane] <= CANCELLATION_LIMIT * total[lane];
        }
        if cancelled {
            for lane in 0..self.assets.len() {
                if rest[lane] <= CANCELLATION_LIMIT * total[lane] {
                    rest[lane] = self.residual_sum(window, row.row, lane);
                }
            }
        }
        let mut variance = [0.0; LANES];
        for lane in 0..LANES {
            variance[lane] = rest[lane] / row.trace;
        }
        let mut covariance = [0.0; LANES];
        if self.market.is_some() {
            covariance = sums[k + 1];
            for (m, b) in row.market_moments.iter().zip(b) {
                for lane in 0..LANES {
                    covariance[lane] -= m * b[lane];
                }
            }
            covariance.iter_mut().for_each(|sum| *sum /= row.trace);
        }
        for (j, own) in self.estimate.variances.iter_mut().enumerate() {
            scale_to(own, &variance, row.sandwich[j * k + j]);
        }
        self.estimate.variance = variance;
        self.estimate.market_covariance = covariance;
    }

    /// What [`Self::estimate`] found.
    pub(crate) fn latest(&self) -> &Estimate {
        &self.estimate
    }

    #[inline(always)]
    fn solve(&mut self, row: &WindowRow) {
        let k = self.panel.columns;
        if let Some(projector) = &row.solver.projector {
            self.estimate.coefficients.fill(0.0);
            for (&at, weights) in projector.rows.iter().zip(projector.matrix.chunks_exact(k)) {
                let y = self.row_values(at);
                let b = self.estimate.coefficients.as_chunks_mut::<LANES>().0;
                for (b, weight) in b.iter_mut().zip(weights) {
                    for lane in 0..LANES {
                        b[lane] += weight * y[lane];
                    }
                }
            }
            return;
        }
        let sums = self.sums.sums().as_chunks::<LANES>().0;
        let b = self.estimate.coefficients.as_chunks_mut::<LANES>().0;
        for (b, weights) in b.iter_mut().zip(row.solver.inverse.chunks_exact(k.max(1))) {
            let mut sum = [0.0; LANES];
            for (moment, weight) in sums[..k].iter().zip(weights) {
                for lane in 0..LANES {
                    sum[lane] += weight * moment[lane];
                }
            }
            *b = sum;
        }
    }

    /// Returns of a row; 0 in lanes without an asset.
    #[inline(always)]
    pub(crate) fn row_values(&self, row: usize) -> [f64; LANES] {
        let mut y = [0.0; LANES];
        for (y, &asset) in y.iter_mut().zip(&self.assets) {
            *y = self.panel.value(row, asset);
        }
        y
    }

    fn residual_sum(&self, window: &Window, last: usize, lane: usize) -> f64 {
        let b = self.estimate.coefficients.as_chunks::<LANES>().0;
        window
            .weighted_rows(last)
            .iter()
            .map(|&(row, weight)| {
                let fitted: f64 = self.panel.design_row(row).iter().zip(b).map(|(x, b)| x * b[lane]).sum();
                weight * (self.panel.value(row, self.assets[lane]) - fitted).powi(2)
            })
            .sum()
    }
}

/// Takes blocks of assets that miss the same rows on by one row, and solves them where `shared` is there.
pub(crate) struct Advance<'l, 'p> {
    pub lanes: &'l mut [Lanes<'p>],
    pub window: &'l Window<'p>,
    pub row: usize,
    pub shared: Option<&'l WindowRow>,
}

impl Vectorise for Advance<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for lanes in self.lanes {
            lanes.push(self.row, self.window);
            if let Some(shared) = self.shared {
                lanes.estimate(self.window, shared);
            }
        }
    }
}

/// out = factor x. A loop and no `map`: mapped arrays are not always inlined, and then lose the vectors of the caller.
#[inline(always)]
fn scale_to(out: &mut [f64; LANES], x: &[f64; LANES], factor: f64) {
    for lane in 0..LANES {
        out[lane] = factor * x[lane];
    }
}
