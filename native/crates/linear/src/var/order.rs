use crate::LinearError;
use crate::qr::PivotedQr;

/// Smallest pivot of the scaled cross-products, relative to its diagonal, that leaves 9 digits to a residual variance;
/// below it the orders are compared by QR of the rows.
const SMALLEST_PIVOT: f64 = 1e-7;

/// Information criterion by which an order is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Akaike: penalty 2.
    Aic,
    /// Schwarz: penalty log n.
    Bic,
    /// Hannan and Quinn: penalty 2 log log n.
    Hq,
}

/// Criteria of every order on one fixed sample, the rows after the first `max_order`.
#[derive(Debug, Clone)]
pub struct VarOrder {
    /// `[order]` from 0.
    pub aic: Vec<f64>,
    /// `[order]` from 0.
    pub bic: Vec<f64>,
    /// `[order]` from 0.
    pub hq: Vec<f64>,
    /// Rows compared on.
    pub observations: usize,
}

impl VarOrder {
    /// Order with the least value of a criterion.
    pub fn best(&self, criterion: Criterion) -> usize {
        let values = match criterion {
            Criterion::Aic => &self.aic,
            Criterion::Bic => &self.bic,
            Criterion::Hq => &self.hq,
        };
        (0..values.len()).fold(0, |best, p| if values[p] < values[best] { p } else { best })
    }
}

/// Compares the orders 0 to `max_order` of a vector autoregression with a constant, series `[row][series]`.
///
/// log det of the residual covariance (divisor n) plus a penalty times its p K^2 + K parameters over n. All orders come
/// out of one Cholesky factor of the cross-products of constant, lags and current values: what lags beyond p explain is
/// added back, a sum of squares, so nothing cancels.
///
/// # Errors
/// `ShapeMismatch`, `NotFinite` for a missing value, `BadOption` when rows do not suffice.
pub fn var_order(series: &[f64], rows: usize, k: usize, max_order: usize) -> Result<VarOrder, LinearError> {
    check_series(series, rows, k, max_order)?;
    let n = rows - max_order;
    let (scaled, scale) = standardised(series, rows, k);
    let log_scale: f64 = scale.iter().map(|s| 2.0 * s.ln()).sum();
    let log_dets = by_cholesky(&scaled, rows, k, max_order).unwrap_or_else(|| by_qr(&scaled, rows, k, max_order));
    let size = n as f64;
    let criterion = |penalty: f64| -> Vec<f64> {
        let orders = log_dets.iter().enumerate();
        orders
            .map(|(p, log_det)| log_det + log_scale + penalty * (p * k * k + k) as f64 / size)
            .collect()
    };
    Ok(VarOrder {
        aic: criterion(2.0),
        bic: criterion(size.ln()),
        hq: criterion(2.0 * size.ln().ln()),
        observations: n,
    })
}

/// Refuses what no autoregression can be estimated from.
pub(super) fn check_series(series: &[f64], rows: usize, k: usize, order: usize) -> Result<(), LinearError> {
    if series.len() != rows * k {
        return Err(LinearError::ShapeMismatch {
            name: "series",
            expected: rows * k,
            actual: series.len(),
        });
    }
    if let Some(index) = series.iter().position(|x| !x.is_finite()) {
        return Err(LinearError::NotFinite { name: "series", index });
    }
    if k == 0 || rows < order + order * k + k + 2 {
        return Err(LinearError::BadOption {
            name: "order",
            value: order as f64,
            remedy: "give more rows than lags x (series + 1) + series + 1, or a lower order",
        });
    }
    Ok(())
}

/// Series with mean 0 and SD 1: changes the constants and the log determinant by known amounts, and conditions better.
fn standardised(series: &[f64], rows: usize, k: usize) -> (Vec<f64>, Vec<f64>) {
    let mut out = series.to_vec();
    let mut scale = vec![1.0; k];
    for j in 0..k {
        let mean = (0..rows).map(|t| series[t * k + j]).sum::<f64>() / rows as f64;
        let squares: f64 = (0..rows).map(|t| (series[t * k + j] - mean).powi(2)).sum();
        scale[j] = (squares / rows as f64).sqrt();
        if scale[j] == 0.0 {
            scale[j] = 1.0;
        }
        for t in 0..rows {
            out[t * k + j] = (series[t * k + j] - mean) / scale[j];
        }
    }
    (out, scale)
}

/// Log determinants by order from the cross-products of [1, lag 1, ..., lag m, current], or `None` when they are too
/// near to singular.
fn by_cholesky(y: &[f64], rows: usize, k: usize, m: usize) -> Option<Vec<f64>> {
    let n = rows - m;
    let mut gram = cross_products(y, rows, k, m);
    let size = 1 + k * (m + 1);
    let upper = factorise(&mut gram, size)?;
    // Column of a current value: rows 1 + p K and below hold what lags beyond p and the values themselves add.
    let mut covariance = vec![0.0; k * k];
    let mut log_dets = vec![0.0; m + 1];
    let mut from = 1 + m * k;
    add_rows(upper, size, from..size, k, &mut covariance);
    for p in (0..=m).rev() {
        if p < m {
            add_rows(upper, size, 1 + p * k..from, k, &mut covariance);
            from = 1 + p * k;
        }
        log_dets[p] = log_det(&covariance, k, n as f64)?;
    }
    Some(log_dets)
}

/// Cross-products over rows m.., upper triangle, order [1, lag 1, ..., lag m, current]. Only those of the current
/// values with every lag are summed; a block of two lags follows from the block of the lags one shorter by adding its
/// new first row and taking off its last.
fn cross_products(y: &[f64], rows: usize, k: usize, m: usize) -> Vec<f64> {
    let size = 1 + k * (m + 1);
    let blocks = m + 1;
    // current[a][j * k + b] = sum_t y_{t,a} y_{t-j,b}
    let width = k * blocks;
    let mut current = vec![0.0; k * width];
    let mut sums = vec![0.0; width];
    let mut window = vec![0.0; width];
    for t in m..rows {
        for j in 0..blocks {
            window[j * k..(j + 1) * k].copy_from_slice(&y[(t - j) * k..(t - j + 1) * k]);
        }
        sums.iter_mut().zip(&window).for_each(|(sum, x)| *sum += x);
        for a in 0..k {
            let value = window[a];
            let sum = &mut current[a * width..(a + 1) * width];
            sum.iter_mut().zip(&window).for_each(|(sum, x)| *sum += value * x);
        }
    }
    // by_lags[(i, j)], i <= j: sum_t y_{t-i} y_{t-j}'.
    let mut by_lags = vec![0.0; blocks * blocks * k * k];
    for j in 0..blocks {
        for at in 0..k * k {
            by_lags[j * k * k + at] = current[(at / k) * width + j * k + at % k];
        }
        for i in 1..=j {
            let place = |i: usize, j: usize| (i * blocks + j) * k * k;
            let (first, last) = (m - i, rows - i);
            for at in 0..k * k {
                let (a, b) = (at / k, at % k);
                let new = y[first * k + a] * y[(m - j) * k + b];
                let old = y[last * k + a] * y[(rows - j) * k + b];
                by_lags[place(i, j) + at] = by_lags[place(i - 1, j - 1) + at] + new - old;
            }
        }
    }
    // Blocks in the order lag 1, ..., lag m, lag 0.
    let mut gram = vec![0.0; size * size];
    gram[0] = (rows - m) as f64;
    let lag = |block: usize| (block + 1) % blocks;
    for left in 0..blocks {
        for a in 0..k {
            let row = 1 + left * k + a;
            gram[row] = sums[lag(left) * k + a];
            for right in left..blocks {
                for b in 0..k {
                    let (i, j) = (lag(left), lag(right));
                    let value = match i <= j {
                        true => by_lags[(i * blocks + j) * k * k + a * k + b],
                        false => by_lags[(j * blocks + i) * k * k + b * k + a],
                    };
                    gram[row * size + 1 + right * k + b] = value;
                }
            }
        }
    }
    gram
}

/// Upper Cholesky factor in place, row by row, so that the inner loop runs along rows.
fn factorise(gram: &mut [f64], size: usize) -> Option<&[f64]> {
    let diagonal: Vec<f64> = (0..size).map(|i| gram[i * size + i]).collect();
    for p in 0..size {
        let pivot = gram[p * size + p];
        if pivot.is_nan() || pivot <= SMALLEST_PIVOT * diagonal[p] {
            return None;
        }
        let root = pivot.sqrt();
        let (head, tail) = gram.split_at_mut((p + 1) * size);
        let row = &mut head[p * size..];
        row[p..].iter_mut().for_each(|x| *x /= root);
        for (i, below) in tail.chunks_exact_mut(size).enumerate() {
            let i = p + 1 + i;
            let factor = row[i];
            below[i..].iter_mut().zip(&row[i..]).for_each(|(x, r)| *x -= factor * r);
        }
    }
    Some(gram)
}

/// Adds u u' of the given rows of the last k columns.
fn add_rows(upper: &[f64], size: usize, rows: std::ops::Range<usize>, k: usize, covariance: &mut [f64]) {
    for row in rows {
        let u = &upper[row * size + size - k..(row + 1) * size];
        // Below the diagonal of the current values' own triangle stands rubbish, not zero.
        let zero_before = (row + k).saturating_sub(size);
        for a in zero_before..k {
            for b in zero_before..k {
                covariance[a * k + b] += u[a] * u[b];
            }
        }
    }
}

fn log_det(cross: &[f64], k: usize, n: f64) -> Option<f64> {
    let mut factor: Vec<f64> = cross.iter().map(|value| value / n).collect();
    if !crate::small::cholesky(&mut factor, k) {
        return None;
    }
    Some((0..k).map(|i| 2.0 * factor[i * k + i].ln()).sum())
}

/// The same by QR of the rows, order by order: slower, for designs near to singular. An exact fit has -infinity.
fn by_qr(y: &[f64], rows: usize, k: usize, m: usize) -> Vec<f64> {
    let n = rows - m;
    let used: Vec<usize> = (m..rows).collect();
    let order = |p: usize| {
        let qr = PivotedQr::new(lagged_design(y, &used, k, p), n, 1 + p * k);
        let mut cross = vec![0.0; k * k];
        let residuals: Vec<Vec<f64>> = (0..k)
            .map(|j| {
                let target: Vec<f64> = (m..rows).map(|t| y[t * k + j]).collect();
                qr.residuals(&target)
            })
            .collect();
        for a in 0..k {
            for b in 0..k {
                cross[a * k + b] = residuals[a].iter().zip(&residuals[b]).map(|(x, y)| x * y).sum();
            }
        }
        log_det(&cross, k, n as f64).unwrap_or(f64::NEG_INFINITY)
    };
    (0..=m).map(order).collect()
}

/// Constant and lags 1 to p of the given rows, column-major `[column][row]`.
pub(super) fn lagged_design(y: &[f64], rows: &[usize], k: usize, p: usize) -> Vec<f64> {
    let mut design = vec![1.0; rows.len()];
    for lag in 1..=p {
        for j in 0..k {
            design.extend(rows.iter().map(|&t| y[(t - lag) * k + j]));
        }
    }
    design
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ways of the same sums on series of unit size.
    const RELATIVE: f64 = 1e-11;

    #[test]
    fn cholesky_and_qr_give_the_same_criteria() {
        let (rows, k, m) = (90, 3, 5);
        let mut state = 7_u64;
        let mut y = vec![0.0_f64; rows * k];
        for at in 0..y.len() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            y[at] = noise + if at >= k { 0.7 * y[at - k] } else { 0.0 };
        }
        let (y, _) = standardised(&y, rows, k);
        let fast = by_cholesky(&y, rows, k, m).expect("well conditioned");
        for (fast, slow) in fast.iter().zip(by_qr(&y, rows, k, m)) {
            assert!((fast - slow).abs() < RELATIVE, "{fast} {slow}");
        }
    }
}
