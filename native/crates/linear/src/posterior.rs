//! Posteriors of many assets at one row, an asset a SIMD lane.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over lanes keep the vectors of the instruction set in use, zipped iterators do not"
)]

use std::cell::RefCell;

use macrograd_simd::{Isa, Vectorise};

use crate::lanes::{Estimate, LANES};
use crate::parallel::active_isa;
use crate::shrink::{Belief, MarketEvidence};
use crate::small::{apply, product, transpose};
use crate::stream::WindowRow;

/// Noise correlation between an asset and the market is held below this, so that the two observations of a
/// coefficient never contradict each other exactly (an asset that *is* the market).
const MAX_CORRELATION: f64 = 0.99;

/// One number of every asset of a block.
type Lane = [f64; LANES];

/// A belief made ready for all assets that miss the same rows.
pub(crate) struct Prepared<'a> {
    belief: &'a Belief,
    isa: Isa,
    /// With A = diag shared, P = precision of the market's estimate b and C = covariance of the asset's and the
    /// market's estimates / covariance of their noise: A P A, C P A, C P C', A P b and C P b.
    apa: Vec<f64>,
    cpa: Vec<f64>,
    cpc: Vec<f64>,
    apb: Vec<f64>,
    cpb: Vec<f64>,
    posterior: RefCell<Posterior>,
}

/// What is known of the coefficients of a block of assets.
pub(crate) struct Posterior {
    /// `[column]`; of dropped columns without meaning.
    pub mean: Vec<Lane>,
    /// `[column]`, where they were asked for.
    pub variance: Vec<Lane>,
    /// False where the estimate has no noise at all: it is exact, and the rest says nothing.
    pub is_noisy: [bool; LANES],
    /// Rows of the lower triangle of T, then of its Cholesky factor with reciprocals on the diagonal.
    t: Vec<Lane>,
    /// Its solution, and a column of V or Y'.
    solved: Vec<Lane>,
    column: Vec<Lane>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(belief: &'a Belief, window: &WindowRow) -> Self {
        let k = belief.total.len();
        let matrix = || vec![0.0; k * k];
        let vector = || vec![0.0; k];
        let lanes = |count| vec![[0.0; LANES]; count];
        let posterior = Posterior {
            mean: lanes(k),
            variance: lanes(k),
            is_noisy: [true; LANES],
            t: lanes(k * (k + 1) / 2),
            solved: lanes(k),
            column: lanes(k),
        };
        let mut prepared = Self {
            belief,
            isa: active_isa(),
            apa: matrix(),
            cpa: matrix(),
            cpc: matrix(),
            apb: vector(),
            cpb: vector(),
            posterior: RefCell::new(posterior),
        };
        if let Some(market) = &belief.market {
            prepared.condition_on(market, window);
        }
        prepared
    }

    fn condition_on(&mut self, market: &MarketEvidence, window: &WindowRow) {
        let shared = &self.belief.shared;
        let k = shared.len();
        // b_i = (X_i'W X_i)^-1 X_i'W y_i and the market's likewise: their noise meets on the asset's rows alone.
        let cross = product(
            &product(&window.solver.inverse, &window.squared_gram, k),
            &market.inverse,
            k,
        );
        let scaled = |rows: &[f64]| -> Vec<f64> { rows.iter().enumerate().map(|(at, x)| x * shared[at % k]).collect() };
        let cp = product(&cross, &market.precision, k);
        let ap = transpose(&scaled(&market.precision), k);
        self.apa = scaled(&ap);
        self.cpa = scaled(&cp);
        self.cpc = product(&cp, &transpose(&cross, k), k);
        self.apb = apply(&ap, &market.coefficients);
        self.cpb = apply(&cp, &market.coefficients);
    }

    /// Posterior means and, where wanted, variances of a block of assets given their own and the market's estimates.
    ///
    /// Joint normal model of beta, b_i = beta + noise and b_m = m + noise, the noises correlated:
    /// with X = A + s_im C (A = diag shared), T = Var(b_i | b_m) = diag total + s_i^2 S_i - X P X',
    /// V = Cov(beta, b_i | b_m) = diag total - A P X':
    /// E beta = A P b_m + V T^-1 (b_i - X P b_m), Var beta = diag total - A P A - V T^-1 V'.
    ///
    /// With T = L L' and Y = L^-1 V' the last term is the columns' squares of Y.
    pub(crate) fn posterior(
        &self,
        window: &WindowRow,
        estimate: &Estimate,
        variances: bool,
    ) -> std::cell::RefMut<'_, Posterior> {
        let mut out = self.posterior.borrow_mut();
        self.isa.vectorise(Blocks {
            prepared: self,
            window,
            estimate,
            variances,
            out: &mut out,
        });
        out
    }

    /// s_im of every lane, from the correlation on the asset's own rows and the market's noise over all of its rows.
    fn market_covariances(&self, window: &WindowRow, estimate: &Estimate) -> Lane {
        let mut covariances = [0.0; LANES];
        let Some(market) = &self.belief.market else {
            return covariances;
        };
        for lane in 0..LANES {
            let own = estimate.variance[lane].max(0.0);
            let scale = (own * window.market_variance).sqrt();
            if scale > 0.0 {
                let correlation = estimate.market_covariance[lane] / scale;
                covariances[lane] =
                    correlation.clamp(-MAX_CORRELATION, MAX_CORRELATION) * (own * market.variance).sqrt();
            }
        }
        covariances
    }
}

/// The work on one block of lanes.
struct Blocks<'b, 'a> {
    prepared: &'b Prepared<'a>,
    window: &'b WindowRow,
    estimate: &'b Estimate,
    variances: bool,
    out: &'b mut Posterior,
}

impl Vectorise for Blocks<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let covariance = self.prepared.market_covariances(self.window, self.estimate);
        self.fill(&covariance);
        let (k, out) = (self.prepared.belief.total.len(), self.out);
        let kept = &self.window.solver.kept;
        factorise(&mut out.t, k, &mut out.is_noisy);
        let own = self.estimate.coefficients.as_chunks::<LANES>().0;
        for j in 0..k {
            let (mean, shift) = (self.prepared.apb[j], self.prepared.cpb[j]);
            for lane in 0..LANES {
                // Dropped columns observe nothing.
                let surprise = own[j][lane] - mean - covariance[lane] * shift;
                out.solved[j][lane] = if kept[j] { surprise } else { 0.0 };
            }
        }
        forward(&out.t, &mut out.solved);
        backward(&out.t, &mut out.solved);
        for i in 0..k {
            out.mean[i] = [self.prepared.apb[i]; LANES];
            self.prepared.gain_row(i, kept, &covariance, &mut out.column);
            for j in 0..k {
                for lane in 0..LANES {
                    out.mean[i][lane] += out.column[j][lane] * out.solved[j][lane];
                }
            }
            if self.variances {
                forward(&out.t, &mut out.column);
                out.variance[i] = [self.prepared.belief.total[i] - self.prepared.apa[i * k + i]; LANES];
                for j in 0..k {
                    for lane in 0..LANES {
                        out.variance[i][lane] -= out.column[j][lane] * out.column[j][lane];
                    }
                }
            }
        }
    }
}

impl Blocks<'_, '_> {
    /// Lower triangle of T, with columns that the asset can't tell apart kept out.
    #[inline(always)]
    fn fill(&mut self, covariance: &Lane) {
        let Prepared {
            belief, apa, cpa, cpc, ..
        } = self.prepared;
        let (k, kept) = (belief.total.len(), &self.window.solver.kept);
        let mut variance = [0.0; LANES];
        for lane in 0..LANES {
            variance[lane] = self.estimate.variance[lane].max(0.0);
        }
        let mut cells = self.out.t.iter_mut();
        for i in 0..k {
            for (j, cell) in (0..=i).zip(&mut cells) {
                if !(kept[i] && kept[j]) {
                    *cell = [f64::from(u8::from(i == j)); LANES];
                    continue;
                }
                let at = i * k + j;
                // X P X' = APA + s (C P A + A P C') + s^2 C P C'.
                let (constant, mixed, square) = (apa[at], cpa[at] + cpa[j * k + i], cpc[at]);
                let total = if i == j { belief.total[i] } else { 0.0 };
                let sampling = self.window.sandwich[at];
                for lane in 0..LANES {
                    let s = covariance[lane];
                    let xpx = constant + s * (mixed + s * square);
                    cell[lane] = total + variance[lane] * sampling - xpx;
                }
            }
        }
    }
}

impl Prepared<'_> {
    /// Row i of V = diag total - A P X', A P X' = APA + s (C P A)'; 0 for dropped columns.
    #[inline(always)]
    fn gain_row(&self, i: usize, kept: &[bool], covariance: &Lane, out: &mut [Lane]) {
        let k = out.len();
        for (j, out) in out.iter_mut().enumerate() {
            let total = if i == j { self.belief.total[i] } else { 0.0 };
            let (constant, turned) = (total - self.apa[i * k + j], self.cpa[j * k + i]);
            for lane in 0..LANES {
                out[lane] = if kept[j] {
                    constant - covariance[lane] * turned
                } else {
                    0.0
                };
            }
        }
    }
}

/// Where row i of a lower triangle begins.
#[inline(always)]
fn row_start(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Overwrites rows of lower triangles with their Cholesky factors, reciprocals on the diagonal; `is_definite` false, and
/// rubbish in the lane, where a matrix is not positive definite.
#[inline(always)]
fn factorise(a: &mut [Lane], n: usize, is_definite: &mut [bool; LANES]) {
    *is_definite = [true; LANES];
    for i in 0..n {
        let (above, row) = a.split_at_mut(row_start(i));
        for j in 0..i {
            let factor = &above[row_start(j)..=row_start(j) + j];
            let mut rest = row[j];
            for (x, y) in row[..j].iter().zip(factor) {
                for lane in 0..LANES {
                    rest[lane] -= x[lane] * y[lane];
                }
            }
            for lane in 0..LANES {
                rest[lane] *= factor[j][lane];
            }
            row[j] = rest;
        }
        let mut rest = row[i];
        for x in &row[..i] {
            for lane in 0..LANES {
                rest[lane] -= x[lane] * x[lane];
            }
        }
        for lane in 0..LANES {
            is_definite[lane] &= rest[lane] > 0.0;
            row[i][lane] = 1.0 / rest[lane].sqrt();
        }
    }
}

/// x <- L^-1 x.
#[inline(always)]
fn forward(l: &[Lane], x: &mut [Lane]) {
    for i in 0..x.len() {
        let row = &l[row_start(i)..=row_start(i) + i];
        let mut rest = x[i];
        for (l, x) in row[..i].iter().zip(&x[..i]) {
            for lane in 0..LANES {
                rest[lane] -= l[lane] * x[lane];
            }
        }
        for lane in 0..LANES {
            rest[lane] *= row[i][lane];
        }
        x[i] = rest;
    }
}

/// x <- L^-T x.
#[inline(always)]
fn backward(l: &[Lane], x: &mut [Lane]) {
    for i in (0..x.len()).rev() {
        let row = &l[row_start(i)..=row_start(i) + i];
        let (before, own) = x.split_at_mut(i);
        for lane in 0..LANES {
            own[0][lane] *= row[i][lane];
        }
        for (l, x) in row[..i].iter().zip(before) {
            for lane in 0..LANES {
                x[lane] -= l[lane] * own[0][lane];
            }
        }
    }
}
