use macrograd_simd::Control;

use crate::hac::{automatic_lags, hac_covariance};
use crate::panel::Group;
use crate::parallel::for_each;
use crate::qr::PivotedQr;
use crate::special::{normal_two_sided, student_t_two_sided};
use crate::{LinearError, Panel};

/// Assets that one task works on with one factorisation.
const ASSETS_PER_TASK: usize = 64;

/// How the covariance of the coefficients is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariance {
    /// s^2 (X'X)^-1, s^2 = residual sum of squares / (n - rank).
    Homoscedastic,
    /// Heteroscedasticity and autocorrelation consistent, Newey and West (1987).
    Hac {
        /// Lags of the Bartlett kernel; `None` = [`automatic_lags`] of the asset's observations.
        lags: Option<usize>,
        /// Multiply by n / (n - rank).
        small_sample: bool,
    },
}

/// Distribution that p-values refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Student's t with n - rank degrees of freedom.
    StudentT,
    /// Standard normal.
    Normal,
}

/// Options of [`ols`].
#[derive(Debug, Clone, Copy)]
pub struct OlsOptions {
    /// Covariance estimator.
    pub covariance: Covariance,
    /// Reference distribution of the p-values.
    pub reference: Reference,
    /// Fewest observations for an estimate; rank + 1 are always needed.
    pub min_observations: usize,
}

/// Static least squares of many assets. N assets, K columns, T rows.
///
/// A column that depends linearly on columns before it has NaN for coefficient and error, and `rank` < K says so; an
/// asset with too few observations has `rank` 0 and NaN everywhere.
#[derive(Debug, Clone)]
pub struct Ols {
    /// `[asset][column]`.
    pub coefficients: Vec<f64>,
    /// `[asset][column][column]`.
    pub covariance: Vec<f64>,
    /// `[asset][column]`, two-sided, of "the coefficient is zero".
    pub p_values: Vec<f64>,
    /// `[asset][row]`, NaN where the row was not used.
    pub residuals: Vec<f64>,
    /// `[asset]`, residual sum of squares / (n - rank).
    pub residual_variance: Vec<f64>,
    /// `[asset]`, rows used.
    pub observations: Vec<u32>,
    /// `[asset]`, independent columns; 0 = not estimated.
    pub rank: Vec<u32>,
    /// `[asset]`, 2-norm condition number of the scaled design.
    pub condition: Vec<f64>,
}

/// Where one asset's results go.
struct Slot<'a> {
    coefficients: &'a mut [f64],
    covariance: &'a mut [f64],
    p_values: &'a mut [f64],
    residuals: &'a mut [f64],
    residual_variance: &'a mut f64,
    observations: &'a mut u32,
    rank: &'a mut u32,
    condition: &'a mut f64,
}

/// Least squares of every asset on the shared design, by column-scaled Householder QR.
///
/// # Errors
/// `Cancelled`.
///
/// ```
/// use macrograd_linear::{Covariance, OlsOptions, Panel, Reference, ols};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 4.0]; // constant, x
/// let returns = [1.0, 3.0, 5.0, 9.0]; // 1 + 2 x
/// let panel = Panel::new(&design, &returns, 4, 2, 1)?;
/// let options = OlsOptions {
///     covariance: Covariance::Homoscedastic,
///     reference: Reference::StudentT,
///     min_observations: 3,
/// };
/// let fit = ols(&panel, &options, &macrograd_simd::Control::with_threads(1))?;
/// assert!((fit.coefficients[1] - 2.0).abs() < 1e-14);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn ols(panel: &Panel, options: &OlsOptions, control: &Control) -> Result<Ols, LinearError> {
    let (n, k, t) = (panel.assets, panel.columns, panel.rows);
    let mut out = Ols {
        coefficients: vec![f64::NAN; n * k],
        covariance: vec![f64::NAN; n * k * k],
        p_values: vec![f64::NAN; n * k],
        residuals: vec![f64::NAN; n * t],
        residual_variance: vec![f64::NAN; n],
        observations: vec![0; n],
        rank: vec![0; n],
        condition: vec![f64::NAN; n],
    };
    let groups = panel.groups(0..n, ASSETS_PER_TASK);
    let mut slots = slots(&mut out, k, t);
    let tasks: Vec<(Group, Vec<Slot>)> = groups
        .into_iter()
        .map(|group| {
            let own = group.assets.iter().filter_map(|&asset| slots[asset].take()).collect();
            (group, own)
        })
        .collect();
    for_each(
        tasks,
        control,
        |done| control.report(done),
        |(group, own)| fit_group(panel, options, &group, own),
    )?;
    Ok(out)
}

fn slots<'a>(out: &'a mut Ols, k: usize, t: usize) -> Vec<Option<Slot<'a>>> {
    let mut vectors = out
        .coefficients
        .chunks_mut(k.max(1))
        .zip(out.covariance.chunks_mut((k * k).max(1)))
        .zip(out.p_values.chunks_mut(k.max(1)))
        .zip(out.residuals.chunks_mut(t.max(1)));
    let mut slots = Vec::with_capacity(out.rank.len());
    let scalars = out
        .residual_variance
        .iter_mut()
        .zip(&mut out.observations)
        .zip(&mut out.rank)
        .zip(&mut out.condition);
    for (((residual_variance, observations), rank), condition) in scalars {
        let next = vectors.next();
        slots.push(next.map(|(((coefficients, covariance), p_values), residuals)| Slot {
            coefficients,
            covariance,
            p_values,
            residuals,
            residual_variance,
            observations,
            rank,
            condition,
        }));
    }
    slots
}

fn fit_group(panel: &Panel, options: &OlsOptions, group: &Group, slots: Vec<Slot>) {
    let rows: Vec<usize> = (0..panel.rows).filter(|&row| group.observed[row]).collect();
    let design = (0..panel.columns)
        .flat_map(|column| rows.iter().map(move |&row| panel.design_row(row)[column]))
        .collect();
    let qr = PivotedQr::new(design, rows.len(), panel.columns);
    let enough = rows.len() > qr.rank() && rows.len() >= options.min_observations;
    let inverse = gram_inverse(&qr);
    for (slot, &asset) in slots.into_iter().zip(&group.assets) {
        *slot.observations = rows.len() as u32;
        *slot.condition = qr.condition;
        if enough && qr.rank() > 0 {
            let y: Vec<f64> = rows.iter().map(|&row| panel.value(row, asset)).collect();
            fit_asset(panel, options, &qr, &inverse, &rows, &y, slot);
        }
    }
}

/// (X'X)^-1 = R^-1 R^-T over the kept columns.
fn gram_inverse(qr: &PivotedQr) -> Vec<f64> {
    outer(&qr.r_inverse, None, qr.rank())
}

/// R^-1 M R^-T for a symmetric M (the identity when `None`).
fn outer(r_inverse: &[f64], middle: Option<&[f64]>, rank: usize) -> Vec<f64> {
    let transposed = crate::small::transpose(r_inverse, rank);
    let left = match middle {
        Some(middle) => crate::small::product(r_inverse, middle, rank),
        None => r_inverse.to_vec(),
    };
    crate::small::product(&left, &transposed, rank)
}

fn fit_asset(
    panel: &Panel,
    options: &OlsOptions,
    qr: &PivotedQr,
    inverse: &[f64],
    rows: &[usize],
    y: &[f64],
    slot: Slot,
) {
    let (n, rank) = (rows.len(), qr.rank());
    let b = qr.solve(y);
    for (&row, y) in rows.iter().zip(y) {
        let x = panel.design_row(row);
        slot.residuals[row] = y - qr.kept.iter().zip(&b).map(|(&k, b)| x[k] * b).sum::<f64>();
    }
    let sum_of_squares: f64 = rows.iter().map(|&row| slot.residuals[row].powi(2)).sum();
    let df = (n - rank) as f64;
    *slot.residual_variance = sum_of_squares / df;
    *slot.rank = rank as u32;
    let covariance = match options.covariance {
        Covariance::Homoscedastic => inverse.iter().map(|v| v * sum_of_squares / df).collect(),
        Covariance::Hac { lags, small_sample } => {
            // Scores in the orthonormal basis, u_t = q_t e_t: no cross-product of the raw design is formed.
            let scores: Vec<f64> = (0..n)
                .flat_map(|at| {
                    let residual = slot.residuals[rows[at]];
                    (0..rank).map(move |i| qr.q[i * n + at] * residual)
                })
                .collect();
            let long_run = hac_covariance(&scores, rank, lags.unwrap_or_else(|| automatic_lags(n)));
            let factor = if small_sample { n as f64 / df } else { 1.0 };
            let mut covariance = outer(&qr.r_inverse, Some(&long_run), rank);
            covariance.iter_mut().for_each(|v| *v *= factor);
            covariance
        }
    };
    for (i, &k) in qr.kept.iter().enumerate() {
        slot.coefficients[k] = b[i];
        let t = b[i] / covariance[i * rank + i].sqrt();
        slot.p_values[k] = match options.reference {
            Reference::StudentT => student_t_two_sided(t, df),
            Reference::Normal => normal_two_sided(t),
        };
        for (j, &l) in qr.kept.iter().enumerate() {
            slot.covariance[k * panel.columns + l] = covariance[i * rank + j];
        }
    }
}
