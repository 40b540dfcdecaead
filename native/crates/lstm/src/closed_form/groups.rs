//! What the likelihood needs of the returns of a group of assets: their mean, and second moments of the deviations.

use faer::{Accum, Mat, MatMut, MatRef};

use super::dense::multiply;
use super::patterns::{Pattern, Returns};

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
        if 2 * deviations.ncols() < deviations.nrows() {
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

    /// Rows and columns of a scratch matrix that [`SecondMoment::apply`] needs per column of its argument.
    fn inner_size(&self) -> usize {
        match self {
            Self::Factor(deviations) => deviations.ncols(),
            Self::Gram(_) => 0,
        }
    }

    /// The block between `left` and `right`, two sets of rows, after each asset's mean over `right` was taken off.
    #[must_use]
    pub fn centred_block(&self, left: &[usize], right: &[usize]) -> Block {
        match self {
            Self::Factor(deviations) => Block::Factor {
                left: centred_rows(deviations, left, right),
                right: centred_rows(deviations, right, right),
            },
            Self::Gram(gram) => Block::Gram(centred_gram(gram, left, right, right)),
        }
    }

    /// Sum of squares over `rows` after each asset's mean over `centre` was taken off.
    #[must_use]
    pub fn centred_trace(&self, rows: &[usize], centre: &[usize]) -> f64 {
        match self {
            Self::Factor(deviations) => centred_rows(deviations, rows, centre).squared_norm_l2(),
            Self::Gram(gram) => {
                let with_centre = row_means(gram, centre);
                let all = centre.iter().map(|&row| with_centre[row]).sum::<f64>() / centre.len() as f64;
                rows.iter()
                    .map(|&row| gram[(row, row)] - 2.0 * with_centre[row] + all)
                    .sum()
            }
        }
    }

    /// Scratch for products with `columns` columns.
    #[must_use]
    pub fn scratch(&self, columns: usize) -> Mat<f64> {
        Mat::zeros(self.inner_size(), columns)
    }
}

/// `sum over assets of dev_left dev_right'`, ready for products.
#[derive(Debug, Clone)]
pub enum Block {
    /// Two sets of rows of the deviations.
    Factor {
        /// `[left row][asset]`.
        left: Mat<f64>,
        /// `[right row][asset]`.
        right: Mat<f64>,
    },
    /// `[left row][right row]`.
    Gram(Mat<f64>),
}

impl Block {
    /// `out = block right`; `scratch` comes from [`SecondMoment::scratch`].
    pub fn apply(&self, right: MatRef<'_, f64>, scratch: &mut Mat<f64>, out: MatMut<'_, f64>) {
        match self {
            Self::Factor { left, right: rows } => {
                multiply(scratch.as_mut(), Accum::Replace, rows.transpose(), right, 1.0);
                multiply(out, Accum::Replace, left.as_ref(), scratch.as_ref(), 1.0);
            }
            Self::Gram(gram) => multiply(out, Accum::Replace, gram.as_ref(), right, 1.0),
        }
    }
}

fn centred_rows(deviations: &Mat<f64>, rows: &[usize], centre: &[usize]) -> Mat<f64> {
    let mut out = Mat::zeros(rows.len(), deviations.ncols());
    for asset in 0..deviations.ncols() {
        let column = deviations.col(asset);
        let mean = centre.iter().map(|&row| column[row]).sum::<f64>() / centre.len() as f64;
        for (i, &row) in rows.iter().enumerate() {
            out[(i, asset)] = column[row] - mean;
        }
    }
    out
}

fn row_means(gram: &Mat<f64>, centre: &[usize]) -> Vec<f64> {
    (0..gram.nrows())
        .map(|row| centre.iter().map(|&c| gram[(c, row)]).sum::<f64>() / centre.len() as f64)
        .collect()
}

/// (y - mean over centre)(y - mean over centre)' from y y' alone.
fn centred_gram(gram: &Mat<f64>, left: &[usize], right: &[usize], centre: &[usize]) -> Mat<f64> {
    let with_centre = row_means(gram, centre);
    let all = centre.iter().map(|&row| with_centre[row]).sum::<f64>() / centre.len() as f64;
    Mat::from_fn(left.len(), right.len(), |i, j| {
        gram[(left[i], right[j])] - with_centre[left[i]] - with_centre[right[j]] + all
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
}

impl GroupReturns {
    /// Splits a pattern's returns into mean and deviations.
    #[must_use]
    pub fn new(returns: Returns<'_>, pattern: &Pattern) -> Self {
        let value = |row: usize, asset: usize| returns.values[row * returns.assets + asset];
        let count = pattern.assets.len();
        let mean: Vec<f64> = pattern
            .rows
            .iter()
            .map(|&row| pattern.assets.iter().map(|&asset| value(row, asset)).sum::<f64>() / count as f64)
            .collect();
        let deviations = (count > 1).then(|| {
            SecondMoment::new(Mat::from_fn(pattern.rows.len(), count, |i, j| {
                value(pattern.rows[i], pattern.assets[j]) - mean[i]
            }))
        });
        Self {
            rows: pattern.rows.clone(),
            assets: count,
            mean,
            deviations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_second_moment_agree() {
        let deviations = Mat::from_fn(7, 3, |i, j| ((3 * i + 5 * j) % 7) as f64 - 2.5);
        let (left, right) = ([0, 3], [1, 2, 4, 5, 6]);
        let factor = SecondMoment::Factor(deviations.clone());
        let gram = SecondMoment::Gram(&deviations * deviations.transpose());
        let argument = Mat::from_fn(5, 2, |i, j| (i * 2 + j) as f64 * 0.1 - 0.3);
        let mut results = Vec::new();
        for form in [factor, gram] {
            let mut out = Mat::zeros(2, 2);
            form.centred_block(&left, &right)
                .apply(argument.as_ref(), &mut form.scratch(2), out.as_mut());
            results.push((out, form.centred_trace(&left, &right)));
        }
        assert!((&results[0].0 - &results[1].0).norm_max() < 1e-12);
        assert!((results[0].1 - results[1].1).abs() < 1e-12);
    }
}
