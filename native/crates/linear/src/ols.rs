use macrograd_simd::Control;

use crate::panel::Group;
use crate::parallel::for_each;
use crate::qr::PivotedQr;
use crate::sandwich::{Covariance, Scores, sandwich};
use crate::special::{normal_two_sided, student_t_two_sided};
use crate::{LinearError, Panel};

/// Assets that one task works on with one factorisation.
const ASSETS_PER_TASK: usize = 64;

/// Distribution that p-values refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Student's t with n - rank degrees of freedom; clusters - 1 for a clustered covariance.
    StudentT,
    /// Standard normal.
    Normal,
}

/// Options of [`ols`].
#[derive(Debug, Clone, Copy)]
pub struct OlsOptions<'a> {
    /// Covariance estimator.
    pub covariance: Covariance<'a>,
    /// `[row]`, weighted least squares: minimises sum of `weights[row]` times the squared residual. A row with weight
    /// 0 or NaN is not used. `None`: all weights are 1.
    pub weights: Option<&'a [f64]>,
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
    /// `[asset]`, (weighted) residual sum of squares / (n - rank).
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
/// `Cancelled`; `ShapeMismatch` or `BadOption` for weights and clusters that do not fit the rows.
///
/// ```
/// use macrograd_linear::{Covariance, OlsOptions, Panel, Reference, ols};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 4.0]; // constant, x
/// let returns = [1.0, 3.0, 5.0, 9.0]; // 1 + 2 x
/// let panel = Panel::new(&design, &returns, 4, 2, 1)?;
/// let options = OlsOptions {
///     covariance: Covariance::Homoscedastic,
///     weights: None,
///     reference: Reference::StudentT,
///     min_observations: 3,
/// };
/// let fit = ols(&panel, &options, &macrograd_simd::Control::with_threads(1))?;
/// assert!((fit.coefficients[1] - 2.0).abs() < 1e-14);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn ols(panel: &Panel, options: &OlsOptions, control: &Control) -> Result<Ols, LinearError> {
    let (n, k, t) = (panel.assets, panel.columns, panel.rows);
    check_options(options, t)?;
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

fn check_options(options: &OlsOptions, rows: usize) -> Result<(), LinearError> {
    if let Some(weights) = options.weights {
        check_length("weights", weights.len(), rows)?;
        if let Some(&value) = weights.iter().find(|&&w| w < 0.0 || w.is_infinite()) {
            return Err(LinearError::BadOption {
                name: "weights",
                value,
                remedy: "give finite weights of at least 0",
            });
        }
    }
    match options.covariance {
        Covariance::Clustered { clusters, .. } => check_length("clusters", clusters.len(), rows),
        _ => Ok(()),
    }
}

fn check_length(name: &'static str, actual: usize, expected: usize) -> Result<(), LinearError> {
    if actual == expected {
        return Ok(());
    }
    Err(LinearError::ShapeMismatch { name, expected, actual })
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
    let weight = |row: usize| options.weights.map_or(1.0, |weights| weights[row]);
    let rows: Vec<usize> = (0..panel.rows)
        .filter(|&row| group.observed[row] && weight(row) > 0.0)
        .collect();
    let roots: Vec<f64> = rows.iter().map(|&row| weight(row).sqrt()).collect();
    let design = (0..panel.columns)
        .flat_map(|column| {
            let weighted = rows.iter().zip(&roots);
            weighted.map(move |(&row, root)| root * panel.design_row(row)[column])
        })
        .collect();
    let qr = PivotedQr::new(design, rows.len(), panel.columns);
    let enough = rows.len() > qr.rank() && rows.len() >= options.min_observations;
    let system = System {
        panel,
        options,
        qr: &qr,
        rows: &rows,
        roots: &roots,
    };
    for (slot, &asset) in slots.into_iter().zip(&group.assets) {
        *slot.observations = rows.len() as u32;
        *slot.condition = qr.condition;
        if enough && qr.rank() > 0 {
            system.fit_asset(asset, slot);
        }
    }
}

/// The factorised design of assets that miss the same rows.
struct System<'a> {
    panel: &'a Panel<'a>,
    options: &'a OlsOptions<'a>,
    qr: &'a PivotedQr,
    rows: &'a [usize],
    /// Square roots of the weights of `rows`.
    roots: &'a [f64],
}

impl System<'_> {
    fn fit_asset(&self, asset: usize, slot: Slot) {
        let Self { panel, qr, rows, .. } = *self;
        let (n, rank) = (rows.len(), qr.rank());
        let weighted: Vec<f64> = rows
            .iter()
            .zip(self.roots)
            .map(|(&row, root)| root * panel.value(row, asset))
            .collect();
        let mut b = qr.solve(&weighted);
        // One step of refinement: the residuals that rounding left in the span of the design.
        let left = qr.solve(&self.whitened_residuals(asset, &b));
        b.iter_mut().zip(left).for_each(|(b, left)| *b += left);
        let whitened = self.whitened_residuals(asset, &b);
        for ((&row, root), e) in rows.iter().zip(self.roots).zip(&whitened) {
            slot.residuals[row] = e / root;
        }
        *slot.residual_variance = whitened.iter().map(|e| e * e).sum::<f64>() / (n - rank) as f64;
        *slot.rank = rank as u32;
        let scores = Scores {
            panel,
            qr,
            rows,
            roots: self.roots,
            residuals: &whitened,
        };
        let (covariance, df) = sandwich(&scores, self.options.covariance);
        for (i, &k) in qr.kept.iter().enumerate() {
            slot.coefficients[k] = b[i];
            let t = b[i] / covariance[i * rank + i].sqrt();
            slot.p_values[k] = match self.options.reference {
                Reference::StudentT => student_t_two_sided(t, df),
                Reference::Normal => normal_two_sided(t),
            };
            for (j, &l) in qr.kept.iter().enumerate() {
                slot.covariance[k * panel.columns + l] = covariance[i * rank + j];
            }
        }
    }

    /// sqrt(w) (r - x'b) of the rows in use.
    fn whitened_residuals(&self, asset: usize, b: &[f64]) -> Vec<f64> {
        let rows = self.rows.iter().zip(self.roots);
        rows.map(|(&row, root)| {
            let x = self.panel.design_row(row);
            let fitted: f64 = self.qr.kept.iter().zip(b).map(|(&k, b)| x[k] * b).sum();
            root * (self.panel.value(row, asset) - fitted)
        })
        .collect()
    }
}
