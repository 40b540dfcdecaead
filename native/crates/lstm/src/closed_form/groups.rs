//! What the likelihood needs of the returns of a group of assets: their mean, and second moments of the deviations.

use faer::{Accum, Mat};
use macrograd_simd::{Control, Isa, parallel_for_each};

use super::dense::multiply;
use super::packed::{Coefficients, Packed};
use super::patterns::{Pattern, Returns};
use super::tall::{DOT_PANEL, Tall, add_dots};
use crate::error::LstmError;

/// Rows of a group, and what each is multiplied by: the root of its weight.
#[derive(Debug, Clone, Copy)]
pub struct ScaledRows<'a> {
    /// Positions in the group's rows.
    pub rows: &'a [usize],
    /// One a row.
    pub roots: &'a [f64],
}

impl ScaledRows<'_> {
    /// Mean of `value` over the rows, each with its weight.
    #[must_use]
    pub fn mean(&self, value: impl Fn(usize) -> f64) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (&row, root) in self.rows.iter().zip(self.roots) {
            sum += root * root * value(row);
            total += root * root;
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

/// The deviations from the group's mean, as far as they matter: sums over assets of products of two rows.
#[derive(Debug, Clone)]
pub enum SecondMoment {
    /// Deviations `[row][asset]`; cheaper when there are few assets.
    Factor(Mat<f64>),
    /// Their Gram matrix `[row][row]`.
    Gram(Mat<f64>),
}

impl SecondMoment {
    /// Of deviations `[row][asset]`, in the form that is cheaper to apply.
    #[must_use]
    pub fn new(deviations: Mat<f64>) -> Self {
        if factor_is_cheaper(deviations.ncols(), deviations.nrows()) {
            return Self::Factor(deviations);
        }
        let mut gram = Mat::zeros(deviations.nrows(), deviations.nrows());
        multiply(
            gram.as_mut(),
            Accum::Replace,
            deviations.as_ref(),
            deviations.transpose(),
            1.0,
        );
        Self::Gram(gram)
    }

    /// The block between `left` and `right`, two sets of rows, after each asset's mean over `right` was taken off.
    pub(super) fn centred_block(&self, isa: Isa, left: ScaledRows<'_>, right: ScaledRows<'_>) -> Block {
        match self {
            Self::Factor(deviations) => {
                let (assets, rows) = (deviations.ncols(), right.rows.len());
                let outer = centred_rows(deviations, left, right);
                let inner = centred_rows(deviations, right, right);
                Block::Factor {
                    left: Packed::from_fn(isa, left.rows.len(), assets, |i, asset| outer[(i, asset)]),
                    right: Packed::from_fn(isa, assets, rows, |asset, i| inner[(i, asset)]),
                }
            }
            Self::Gram(gram) => Block::Gram(centred_gram(isa, gram, left, right)),
        }
    }

    /// Sum of squares over `rows` after each asset's mean over `centre` was taken off.
    #[must_use]
    pub fn centred_trace(&self, rows: ScaledRows<'_>, centre: ScaledRows<'_>) -> f64 {
        match self {
            Self::Factor(deviations) => centred_rows(deviations, rows, centre).squared_norm_l2(),
            Self::Gram(gram) => {
                let with_centre = row_means(gram, centre);
                let all = centre.mean(|row| with_centre[row]);
                rows.rows
                    .iter()
                    .zip(rows.roots)
                    .map(|(&row, root)| root * root * (gram[(row, row)] - 2.0 * with_centre[row] + all))
                    .sum()
            }
        }
    }
}

/// `sum over assets of dev_left dev_right'`, ready for products.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// Two sets of rows of the deviations.
    Factor {
        /// `[left row][asset]`.
        left: Packed,
        /// `[asset][right row]`.
        right: Packed,
    },
    /// `[left row][right row]`.
    Gram(Packed),
}

/// Room for [`Block::apply`], reused from call to call.
#[derive(Debug, Default)]
pub(super) struct BlockScratch {
    coefficients: Coefficients,
    /// Sums over rows: `[column][asset]`.
    inner: Tall,
}

impl Block {
    /// Writes `block right` to the first columns of `out`.
    pub fn apply(&self, right: &Tall, scratch: &mut BlockScratch, out: &mut Tall) {
        let BlockScratch { coefficients, inner } = scratch;
        coefficients.copy_from(right);
        match self {
            Self::Factor { left, right: rows } => {
                inner.resize(rows.rows(), right.columns());
                rows.apply(coefficients, inner);
                coefficients.copy_from(inner);
                left.apply(coefficients, out);
            }
            Self::Gram(gram) => gram.apply(coefficients, out),
        }
    }
}

fn centred_rows(deviations: &Mat<f64>, rows: ScaledRows<'_>, centre: ScaledRows<'_>) -> Mat<f64> {
    let mut out = Mat::zeros(rows.rows.len(), deviations.ncols());
    for asset in 0..deviations.ncols() {
        let column = deviations.col(asset);
        let mean = centre.mean(|row| column[row]);
        for (i, (&row, root)) in rows.rows.iter().zip(rows.roots).enumerate() {
            out[(i, asset)] = root * (column[row] - mean);
        }
    }
    out
}

fn row_means(gram: &Mat<f64>, centre: ScaledRows<'_>) -> Vec<f64> {
    (0..gram.nrows()).map(|row| centre.mean(|c| gram[(c, row)])).collect()
}

/// (y - mean over right)(y - mean over right)' from y y' alone.
fn centred_gram(isa: Isa, gram: &Mat<f64>, left: ScaledRows<'_>, right: ScaledRows<'_>) -> Packed {
    let with_centre = row_means(gram, right);
    let all = right.mean(|row| with_centre[row]);
    Packed::from_fn(isa, left.rows.len(), right.rows.len(), |i, j| {
        let (from, to) = (left.rows[i], right.rows[j]);
        left.roots[i] * right.roots[j] * (gram[(from, to)] - with_centre[from] - with_centre[to] + all)
    })
}

/// One group's returns over all rows of the fit: mean over its assets, and second moment of the deviations.
#[derive(Debug, Clone)]
pub struct GroupReturns {
    /// Rows of the fit that count, ascending; everything below is indexed by position in it.
    pub rows: Vec<usize>,
    /// Number of assets.
    pub assets: usize,
    /// Mean over the group's assets, one a row.
    pub mean: Vec<f64>,
    /// Of the deviations from that mean; `None` for a group of one.
    pub deviations: Option<SecondMoment>,
    /// Root of the weight of each row: what its returns and features are multiplied by.
    pub roots: Vec<f64>,
}

impl GroupReturns {
    /// Splits a pattern's returns into mean and deviations.
    #[must_use]
    pub fn new(returns: Returns<'_>, pattern: &Pattern) -> Self {
        let mean = group_mean(returns, pattern);
        let deviations = (pattern.assets.len() > 1).then(|| SecondMoment::new(deviations(returns, pattern, &mean)));
        Self::of(pattern, mean, deviations)
    }

    /// The same on all threads of `control`, with the same bits for any number of them.
    ///
    /// # Errors
    /// [`LstmError::Cancelled`], [`LstmError::Isa`].
    pub fn on(returns: Returns<'_>, pattern: &Pattern, control: &Control) -> Result<Self, LstmError> {
        if pattern.assets.len() < 2 || factor_is_cheaper(pattern.assets.len(), pattern.rows.len()) {
            return Ok(Self::new(returns, pattern));
        }
        let mean = group_mean(returns, pattern);
        let gram = gram_of_deviations(returns, pattern, &mean, control)?;
        Ok(Self::of(pattern, mean, Some(SecondMoment::Gram(gram))))
    }

    /// With the roots of the rows' weights, one a row of the fit.
    #[must_use]
    pub fn weighted(mut self, roots: &[f64]) -> Self {
        self.roots = self.rows.iter().map(|&row| roots[row]).collect();
        self
    }

    fn of(pattern: &Pattern, mean: Vec<f64>, deviations: Option<SecondMoment>) -> Self {
        Self {
            rows: pattern.rows.clone(),
            assets: pattern.assets.len(),
            roots: vec![1.0; mean.len()],
            mean,
            deviations,
        }
    }
}

/// Whether `Y (Y'P)` takes fewer products than `(Y Y') P`.
fn factor_is_cheaper(assets: usize, rows: usize) -> bool {
    2 * assets < rows
}

/// Mean over the pattern's assets, one a row.
fn group_mean(returns: Returns<'_>, pattern: &Pattern) -> Vec<f64> {
    let sum = |row: usize| {
        let values = &returns.values[row * returns.assets..][..returns.assets];
        pattern.assets.iter().map(|&asset| values[asset]).sum::<f64>()
    };
    pattern
        .rows
        .iter()
        .map(|&row| sum(row) / pattern.assets.len() as f64)
        .collect()
}

/// Deviations from the mean, `[row][asset]`.
fn deviations(returns: Returns<'_>, pattern: &Pattern, mean: &[f64]) -> Mat<f64> {
    Mat::from_fn(pattern.rows.len(), pattern.assets.len(), |i, j| {
        returns.values[pattern.rows[i] * returns.assets + pattern.assets[j]] - mean[i]
    })
}

/// Assets whose deviations lie in memory at a time; those of a panel of rows stay in the second-level cache.
const GRAM_ASSETS: usize = 512;

/// Gram matrix of the deviations, `[row][row]`, by chunks of assets; threads share its columns.
fn gram_of_deviations(
    returns: Returns<'_>,
    pattern: &Pattern,
    mean: &[f64],
    control: &Control,
) -> Result<Mat<f64>, LstmError> {
    let (isa, rows) = (control.isa()?, pattern.rows.len());
    let part = control.for_part(control.threads());
    let mut threads = vec![(); part.threads()];
    let mut gram = vec![0.0; rows * rows];
    for assets in pattern.assets.chunks(GRAM_ASSETS) {
        let mut chunk = Tall::zeros(assets.len(), rows);
        for (i, (&row, mean)) in pattern.rows.iter().zip(mean).enumerate() {
            let from = &returns.values[row * returns.assets..][..returns.assets];
            for (to, &asset) in chunk.column_mut(i).iter_mut().zip(assets) {
                *to = from[asset] - mean;
            }
        }
        let panels = gram.chunks_mut(DOT_PANEL * rows).enumerate();
        parallel_for_each(&part, panels, &mut threads, |(), (index, panel)| {
            add_dots(isa, &chunk, &chunk, index * DOT_PANEL, true, panel);
        })?;
    }
    // Upper triangle: `gram[j * rows + i]` holds row i of column j.
    Ok(Mat::from_fn(rows, rows, |i, j| gram[i.max(j) * rows + i.min(j)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_second_moment_agree() {
        let deviations = Mat::from_fn(7, 3, |i, j| ((3 * i + 5 * j) % 7) as f64 - 2.5);
        let left = ScaledRows {
            rows: &[0, 3],
            roots: &[1.0, 0.5],
        };
        let right = ScaledRows {
            rows: &[1, 2, 4, 5, 6],
            roots: &[0.5, 1.0, 1.5, 1.0, 2.0],
        };
        let factor = SecondMoment::Factor(deviations.clone());
        let gram = SecondMoment::Gram(&deviations * deviations.transpose());
        let mut argument = Tall::zeros(5, 2);
        for column in 0..2 {
            for (i, x) in argument.column_mut(column).iter_mut().enumerate() {
                *x = (i * 2 + column) as f64 * 0.1 - 0.3;
            }
        }
        let isa = Isa::active().expect("an instruction set");
        let mut results = Vec::new();
        for form in [factor, gram] {
            let mut out = Tall::zeros(2, 2);
            form.centred_block(isa, left, right)
                .apply(&argument, &mut BlockScratch::default(), &mut out);
            results.push((out, form.centred_trace(left, right)));
        }
        assert!((results[0].0.view() - results[1].0.view()).norm_max() < 1e-12);
        assert!((results[0].1 - results[1].1).abs() < 1e-12);
    }

    #[test]
    fn second_moments_by_chunks_are_those_of_the_whole_for_any_number_of_threads() {
        /// Sums of 600 products of numbers below 2.
        const ROUNDING: f64 = 1e-11;
        // More rows than a panel has, more assets than a chunk; asset 3 and row 2 are not in the pattern.
        let (rows, assets) = (40, 600);
        let values: Vec<f64> = (0..rows * assets)
            .map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0)
            .collect();
        let returns = Returns {
            values: &values,
            assets,
        };
        let pattern = Pattern {
            rows: (0..rows).filter(|&row| row != 2).collect(),
            assets: (0..assets).filter(|&asset| asset != 3).collect(),
        };
        let gram = |group: GroupReturns| match group.deviations {
            Some(SecondMoment::Gram(gram)) => gram,
            _ => Mat::zeros(0, 0),
        };
        let on = |threads| {
            let group = GroupReturns::on(returns, &pattern, &Control::with_threads(threads));
            gram(group.expect("not stopped"))
        };
        let (one, two, whole) = (on(1), on(2), gram(GroupReturns::new(returns, &pattern)));
        assert_eq!(one, two);
        assert_eq!(whole.nrows(), rows - 1);
        assert!((&one - &whole).norm_max() < ROUNDING);
    }
}
