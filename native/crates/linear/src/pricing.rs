use crate::LinearError;
use crate::qr::PivotedQr;
use crate::small::{apply, invert_spd};
use crate::special::{f_upper, student_t_two_sided};

/// Prices of risk by two passes. K factors, N assets, T rows without missing values.
#[derive(Debug, Clone)]
pub struct FamaMacBeth {
    /// `[asset][factor]`: full-sample slopes of the first pass.
    pub betas: Vec<f64>,
    /// Mean over rows of the cross-sectional coefficients, constant first when there is one.
    pub premia: Vec<f64>,
    /// Covariance of the row-by-row coefficients over T (Fama and MacBeth 1973).
    pub covariance: Vec<f64>,
    /// With Shanken's (1992) correction for estimated betas.
    pub shanken: Vec<f64>,
    /// `[asset]`: mean return left over.
    pub pricing_errors: Vec<f64>,
    /// Two-sided, of the premia with the corrected errors, Student's t with T - 1 degrees of freedom.
    pub p_values: Vec<f64>,
}

/// Test that the intercepts of all assets are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct GrsTest {
    /// (T - N - K) / N a'S^-1 a / (1 + m'O^-1 m), a = intercepts, S and O with divisor T, m = factor means.
    pub f: f64,
    /// P(F > f) with N and T - N - K degrees of freedom, exact under normal noise.
    pub p_value: f64,
    /// `[asset]`, intercepts.
    pub alphas: Vec<f64>,
}

/// Fama and MacBeth's (1973) two passes: betas of returns `[row][asset]` on factors `[row][factor]`, then every row's
/// returns on the betas.
///
/// Shanken (1992), with A = [1, betas], W = (A'A)^-1 A', S = residual covariance and F = factor covariance (divisor T):
/// Cov = (W S W' (1 + l'F^-1 l) + F) / T, F with a zero row for the constant.
///
/// # Errors
/// `ShapeMismatch`, `NotFinite`, `BadOption` for too few assets or rows, or dependent factors.
pub fn fama_macbeth(
    returns: &[f64],
    factors: &[f64],
    rows: usize,
    assets: usize,
    k: usize,
    intercept: bool,
) -> Result<FamaMacBeth, LinearError> {
    let first = FirstPass::new(returns, factors, rows, assets, k)?;
    let constant = usize::from(intercept);
    let width = k + constant;
    let mut columns = vec![1.0; constant * assets];
    for j in 0..k {
        columns.extend((0..assets).map(|i| first.betas[i * k + j]));
    }
    let cross = PivotedQr::new(columns, assets, width);
    if cross.rank() < width {
        return Err(too_few(
            "assets",
            assets,
            "betas do not tell the factors apart: give more assets or fewer factors",
        ));
    }
    let t = rows as f64;
    let by_row: Vec<f64> = returns.chunks_exact(assets).flat_map(|row| cross.solve(row)).collect();
    let premia = column_means(&by_row, width);
    let covariance: Vec<f64> = covariance_of(&by_row, width, t - 1.0).iter().map(|v| v / t).collect();
    // W, `[coefficient][asset]`.
    let weights: Vec<f64> = (0..assets).flat_map(|i| cross.solve(&unit(assets, i))).collect();
    let spread = |i: usize, j: usize| -> f64 {
        let pairs = first.residuals.chunks_exact(assets).map(|e| {
            let along = |c: usize| (0..assets).map(|a| weights[a * width + c] * e[a]).sum::<f64>();
            along(i) * along(j)
        });
        pairs.sum::<f64>() / t
    };
    let slopes = &premia[constant..];
    let correction = 1.0 + quadratic(&first.factor_inverse, slopes);
    let mut shanken = vec![0.0; width * width];
    for i in 0..width {
        for j in 0..width {
            let own = match i >= constant && j >= constant {
                true => first.factor_covariance[(i - constant) * k + j - constant],
                false => 0.0,
            };
            shanken[i * width + j] = (spread(i, j) * correction + own) / t;
        }
    }
    let means = column_means(returns, assets);
    let pricing_errors = (0..assets)
        .map(|i| {
            let priced: f64 = (0..k).map(|j| first.betas[i * k + j] * slopes[j]).sum();
            means[i] - priced - if intercept { premia[0] } else { 0.0 }
        })
        .collect();
    let p_values = (0..width)
        .map(|i| student_t_two_sided(premia[i] / shanken[i * width + i].sqrt(), t - 1.0))
        .collect();
    Ok(FamaMacBeth {
        betas: first.betas,
        premia,
        covariance,
        shanken,
        pricing_errors,
        p_values,
    })
}

/// Gibbons, Ross and Shanken (1989): are all intercepts on traded factors zero?
///
/// # Errors
/// `ShapeMismatch`, `NotFinite`, `BadOption` when T <= N + K or returns are dependent.
pub fn grs_test(
    returns: &[f64],
    factors: &[f64],
    rows: usize,
    assets: usize,
    k: usize,
) -> Result<GrsTest, LinearError> {
    let first = FirstPass::new(returns, factors, rows, assets, k)?;
    if rows <= assets + k {
        return Err(too_few("rows", rows, "give more rows than assets and factors together"));
    }
    let t = rows as f64;
    let residual_covariance = covariance_of(&first.residuals, assets, t);
    let Some(inverse) = invert_spd(&residual_covariance, assets) else {
        return Err(too_few(
            "assets",
            assets,
            "their residuals are linearly dependent: leave out a portfolio of the others",
        ));
    };
    let means = column_means(factors, k);
    let sharpe = quadratic(&first.factor_inverse, &means);
    let df = (rows - assets - k) as f64;
    let f = df / assets as f64 * quadratic(&inverse, &first.alphas) / (1.0 + sharpe);
    Ok(GrsTest {
        f,
        p_value: f_upper(f, assets as f64, df),
        alphas: first.alphas,
    })
}

/// Regressions of every asset on the factors.
struct FirstPass {
    alphas: Vec<f64>,
    betas: Vec<f64>,
    /// `[row][asset]`.
    residuals: Vec<f64>,
    factor_covariance: Vec<f64>,
    factor_inverse: Vec<f64>,
}

impl FirstPass {
    fn new(returns: &[f64], factors: &[f64], rows: usize, assets: usize, k: usize) -> Result<Self, LinearError> {
        check("returns", returns, rows * assets)?;
        check("factors", factors, rows * k)?;
        let mut columns = vec![1.0; rows];
        for j in 0..k {
            columns.extend((0..rows).map(|t| factors[t * k + j]));
        }
        let qr = PivotedQr::new(columns, rows, 1 + k);
        if rows < k + 2 || qr.rank() < 1 + k {
            return Err(too_few(
                "rows",
                rows,
                "factors are linearly dependent on these rows, or there are too few of them",
            ));
        }
        let factor_covariance = covariance_of(factors, k, rows as f64);
        let factor_inverse = invert_spd(&factor_covariance, k).unwrap_or_else(|| vec![f64::NAN; k * k]);
        let mut first = Self {
            alphas: Vec::with_capacity(assets),
            betas: Vec::with_capacity(assets * k),
            residuals: vec![0.0; rows * assets],
            factor_covariance,
            factor_inverse,
        };
        for i in 0..assets {
            let y: Vec<f64> = (0..rows).map(|t| returns[t * assets + i]).collect();
            let b = qr.solve(&y);
            first.alphas.push(b[0]);
            first.betas.extend(&b[1..]);
            for (t, e) in qr.residuals(&y).into_iter().enumerate() {
                first.residuals[t * assets + i] = e;
            }
        }
        Ok(first)
    }
}

fn check(name: &'static str, values: &[f64], expected: usize) -> Result<(), LinearError> {
    if values.len() != expected {
        return Err(LinearError::ShapeMismatch {
            name,
            expected,
            actual: values.len(),
        });
    }
    match values.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(LinearError::NotFinite { name, index }),
        None => Ok(()),
    }
}

fn too_few(name: &'static str, value: usize, remedy: &'static str) -> LinearError {
    let value = value as f64;
    LinearError::BadOption { name, value, remedy }
}

fn unit(size: usize, at: usize) -> Vec<f64> {
    let mut unit = vec![0.0; size];
    unit[at] = 1.0;
    unit
}

fn column_means(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = (values.len() / columns) as f64;
    (0..columns)
        .map(|j| values.iter().skip(j).step_by(columns).sum::<f64>() / rows)
        .collect()
}

/// Sum of products of deviations over `divisor`.
fn covariance_of(values: &[f64], columns: usize, divisor: f64) -> Vec<f64> {
    let means = column_means(values, columns);
    let mut out = vec![0.0; columns * columns];
    for row in values.chunks_exact(columns) {
        for i in 0..columns {
            for j in 0..columns {
                out[i * columns + j] += (row[i] - means[i]) * (row[j] - means[j]) / divisor;
            }
        }
    }
    out
}

fn quadratic(matrix: &[f64], x: &[f64]) -> f64 {
    apply(matrix, x).iter().zip(x).map(|(a, x)| a * x).sum()
}
