use faer::Mat;

use super::order::{check_series, lagged_design};
use crate::LinearError;
use crate::qr::PivotedQr;

/// Condition number from which coefficients are refined: R^-1 Q'y leaves residuals of some condition x 1e-16 of y, which
/// responses multiply by coefficients as large as the condition.
pub(super) const REFINED_FROM: f64 = 1e4;

/// A vector autoregression with a constant: y_t = c + A_1 y_{t-1} + ... + A_p y_{t-p} + u_t. K series, n rows used.
#[derive(Debug, Clone)]
pub struct Var {
    /// Number of series K.
    pub series: usize,
    /// Order p.
    pub order: usize,
    /// Rows used, n.
    pub observations: usize,
    /// `[equation]`.
    pub intercept: Vec<f64>,
    /// A, `[lag][equation][series]`, lag 1 first.
    pub coefficients: Vec<f64>,
    /// Covariance of u with divisor n - K p - 1, `[series][series]`.
    pub residual_covariance: Vec<f64>,
    /// (Z'Z)^-1 of the regressors [1, lag 1, ..., lag p], `[regressor][regressor]`: the covariance of the coefficients
    /// of equations a and b is `residual_covariance[a][b]` times it.
    pub regressor_inverse: Vec<f64>,
    /// F with F F' = `regressor_inverse`, upper triangular, `[regressor][regressor]`: quadratic forms in the inverse are
    /// squared lengths, which keep the digits that the inverse has lost where regressors are nearly collinear.
    pub regressor_factor: Vec<f64>,
    /// `[row used][series]`.
    pub residuals: Vec<f64>,
    /// Moduli of the eigenvalues of the companion matrix, descending; stable when all are below 1.
    pub roots: Vec<f64>,
    /// Condition number of the scaled regressors.
    pub condition: f64,
}

impl Var {
    /// Number of regressors of an equation, 1 + K p.
    pub fn regressors(&self) -> usize {
        1 + self.series * self.order
    }

    /// Every shock dies out.
    pub fn is_stable(&self) -> bool {
        self.roots.first().is_none_or(|&root| root < 1.0)
    }

    /// A_lag, lag 1 first.
    pub(super) fn lag(&self, lag: usize) -> &[f64] {
        let size = self.series * self.series;
        &self.coefficients[(lag - 1) * size..lag * size]
    }
}

/// Least squares of a vector autoregression of order `order` on series `[row][series]` without missing values, by QR.
///
/// # Errors
/// `ShapeMismatch`, `NotFinite` for a missing value, `BadOption` for too few rows or regressors that depend on others.
///
/// ```
/// // A cycle of three steps is an exact autoregression of order 2: y_t = -y_{t-1} - y_{t-2}.
/// let series: Vec<f64> = (0..30).map(|t| [1.0, -3.0, 2.0][t % 3]).collect();
/// let fit = macrograd_linear::var(&series, 30, 1, 2)?;
/// assert!((fit.coefficients[0] + 1.0).abs() < 1e-12 && (fit.roots[0] - 1.0).abs() < 1e-9);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn var(series: &[f64], rows: usize, k: usize, order: usize) -> Result<Var, LinearError> {
    let mut fit = least_squares(series, rows, k, order)?;
    fit.roots = companion_moduli(&fit);
    Ok(fit)
}

/// As [`var`], without the roots.
pub(super) fn least_squares(series: &[f64], rows: usize, k: usize, order: usize) -> Result<Var, LinearError> {
    check_series(series, rows, k, order)?;
    fit_rows(series, &(order..rows).collect::<Vec<_>>(), k, order)
}

/// Least squares on some rows, each with its own lags.
pub(super) fn fit_rows(series: &[f64], rows: &[usize], k: usize, order: usize) -> Result<Var, LinearError> {
    let n = rows.len();
    let width = 1 + k * order;
    let qr = PivotedQr::new(lagged_design(series, rows, k, order), n, width);
    if qr.rank() < width {
        return Err(LinearError::BadOption {
            name: "series",
            value: qr.rank() as f64,
            remedy: "this many of the regressors are independent: leave out constant series and sums of others",
        });
    }
    let mut fit = Var {
        series: k,
        order,
        observations: n,
        intercept: vec![0.0; k],
        coefficients: vec![0.0; order * k * k],
        residual_covariance: vec![0.0; k * k],
        regressor_inverse: vec![0.0; width * width],
        regressor_factor: qr.r_inverse.clone(),
        residuals: vec![0.0; n * k],
        roots: Vec::new(),
        condition: qr.condition,
    };
    let design = (qr.condition > REFINED_FROM).then(|| lagged_design(series, rows, k, order));
    for equation in 0..k {
        let target: Vec<f64> = rows.iter().map(|&t| series[t * k + equation]).collect();
        let mut b = qr.solve(&target);
        if let Some(design) = &design {
            refine(&mut b, &qr, design, &target);
        }
        fit.intercept[equation] = b[0];
        for (at, value) in b[1..].iter().enumerate() {
            let (lag, from) = (at / k, at % k);
            fit.coefficients[(lag * k + equation) * k + from] = *value;
        }
        for (row, e) in qr.residuals(&target).into_iter().enumerate() {
            fit.residuals[row * k + equation] = e;
        }
    }
    let df = (n - width) as f64;
    for u in fit.residuals.chunks_exact(k) {
        for a in 0..k {
            for b in 0..k {
                fit.residual_covariance[a * k + b] += u[a] * u[b] / df;
            }
        }
    }
    for i in 0..width {
        for j in 0..width {
            let products = qr.r_inverse[i * width..(i + 1) * width].iter();
            let products = products.zip(&qr.r_inverse[j * width..(j + 1) * width]);
            fit.regressor_inverse[i * width + j] = products.map(|(x, y)| x * y).sum();
        }
    }
    Ok(fit)
}

/// b <- b + R^-1 Q'(y - Xb), design `[column][row]`.
fn refine(b: &mut [f64], qr: &PivotedQr, design: &[f64], target: &[f64]) {
    let mut left = target.to_vec();
    for (column, b) in design.chunks_exact(target.len()).zip(b.iter()) {
        left.iter_mut().zip(column).for_each(|(left, x)| *left -= b * x);
    }
    let correction = qr.solve(&left);
    b.iter_mut()
        .zip(correction)
        .for_each(|(b, correction)| *b += correction);
}

fn companion_moduli(fit: &Var) -> Vec<f64> {
    let (k, p) = (fit.series, fit.order);
    if p == 0 {
        return Vec::new();
    }
    let companion = Mat::from_fn(k * p, k * p, |i, j| match i < k {
        true => fit.lag(j / k + 1)[i * k + j % k],
        false => f64::from(i == j + k),
    });
    // The iteration for eigenvalues does not converge for infinite coefficients alone; then nothing is known.
    let mut moduli: Vec<f64> = match companion.eigenvalues() {
        Ok(values) => values.iter().map(|value| value.re.hypot(value.im)).collect(),
        Err(_) => vec![f64::NAN; k * p],
    };
    moduli.sort_by(|a, b| b.total_cmp(a));
    moduli
}
