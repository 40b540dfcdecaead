use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use macrograd_simd::Control;

use super::Var;
use super::fit::REFINED_FROM;
use crate::LinearError;
use crate::parallel::for_each;
use crate::small::{cholesky, dot, product};

/// Assets that one task works on.
const ASSETS_PER_TASK: usize = 16;

/// Which shock a response answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impulse {
    /// One unit of one innovation, the others held at 0.
    Unit,
    /// One SD in the order of the series (Sims 1980): an innovation moves the series after it at once.
    Orthogonal,
    /// One SD, the other innovations at their mean given it (Pesaran and Shin 1998): no order of the series matters.
    Generalised,
}

/// What is asked of [`var_responses`] and [`asset_responses`].
#[derive(Debug, Clone, Copy)]
pub struct ResponseOptions {
    /// Last horizon H, in rows after the shock.
    pub horizon: usize,
    /// Kind of shock.
    pub impulse: Impulse,
    /// Sums over the horizons up to each.
    pub cumulative: bool,
}

/// Responses over horizons 0 to H.
#[derive(Debug, Clone)]
pub struct Responses {
    /// `[responding][horizon][shock]`.
    pub values: Vec<f64>,
    /// Asymptotic variances of `values`, same shape.
    pub variances: Vec<f64>,
}

/// Regressions of assets on current and lagged factors, the series of the autoregression: block-exogenous equations
/// r_it = a_i + sum_k b_ik' y_{t-k} + e_it. Their noise is uncorrelated with the innovations, and so are the estimates.
#[derive(Debug, Clone, Copy)]
pub struct AssetEquations<'a> {
    /// `[asset][lag][series]`, lag 0 first; NaN makes the asset's responses NaN.
    pub coefficients: &'a [f64],
    /// `[asset][lag x series][lag x series]`.
    pub covariance: &'a [f64],
    /// Number of assets.
    pub assets: usize,
    /// Lags, the current row included.
    pub lags: usize,
}

/// Responses of the series themselves, with asymptotic variances (Luetkepohl 1990).
///
/// # Errors
/// `BadOption` when the residual covariance is singular.
pub fn var_responses(fit: &Var, options: &ResponseOptions) -> Result<Responses, LinearError> {
    let system = System::new(fit, options)?;
    let k = fit.series;
    let size = (options.horizon + 1) * k;
    let mut out = Responses {
        values: vec![0.0; k * size],
        variances: vec![0.0; k * size],
    };
    let units: Vec<f64> = (0..k).flat_map(|series| system.own_responses(series)).collect();
    system.respond(system.weights().as_deref(), &units, &mut out.values, &mut out.variances);
    Ok(out)
}

/// The values of [`var_responses`] alone.
pub(super) fn response_values(fit: &Var, options: &ResponseOptions) -> Result<Vec<f64>, LinearError> {
    let system = System::new(fit, options)?;
    let mut out = vec![0.0; fit.series * (options.horizon + 1) * fit.series];
    for (series, out) in out.chunks_exact_mut((options.horizon + 1) * fit.series).enumerate() {
        system.values(&system.own_responses(series), out);
    }
    Ok(out)
}

/// Shares of each series' forecast error variance that each shock explains, `[responding][horizon][shock]`; horizon h is
/// the forecast h + 1 rows ahead. Orthogonal shares sum to 1, generalised ones do not.
///
/// # Errors
/// `BadOption` for unit shocks, which have no shares, and when the residual covariance is singular.
pub fn variance_shares(fit: &Var, options: &ResponseOptions) -> Result<Vec<f64>, LinearError> {
    if options.impulse == Impulse::Unit {
        return Err(LinearError::BadOption {
            name: "impulse",
            value: 0.0,
            remedy: "shares of variance are those of orthogonal or generalised shocks",
        });
    }
    let squares = |impulse| {
        let plain = ResponseOptions {
            impulse,
            cumulative: false,
            ..*options
        };
        response_values(fit, &plain).map(|values| values.iter().map(|x| x * x).collect::<Vec<_>>())
    };
    let explained = squares(options.impulse)?;
    let all = squares(Impulse::Orthogonal)?;
    let (k, steps) = (fit.series, options.horizon + 1);
    let mut shares = vec![0.0; explained.len()];
    for responding in 0..k {
        let mut sums = vec![0.0; k];
        let mut total = 0.0;
        for h in 0..steps {
            let at = (responding * steps + h) * k;
            sums.iter_mut()
                .zip(&explained[at..at + k])
                .for_each(|(sum, x)| *sum += x);
            total += all[at..at + k].iter().sum::<f64>();
            shares[at..at + k]
                .iter_mut()
                .zip(&sums)
                .for_each(|(share, sum)| *share = sum / total);
        }
    }
    Ok(shares)
}

/// Responses of assets to shocks of the factors: their dynamic exposures. Costs one autoregression and a few thousand
/// operations an asset. The variance has a part from the asset's own regression and one from the autoregression.
///
/// # Errors
/// `ShapeMismatch`, `BadOption` when the residual covariance is singular, `Cancelled`.
pub fn asset_responses(
    fit: &Var,
    equations: &AssetEquations,
    options: &ResponseOptions,
    control: &Control,
) -> Result<Responses, LinearError> {
    let system = System::new(fit, options)?;
    let width = equations.lags * fit.series;
    check_length("coefficients", equations.coefficients.len(), equations.assets * width)?;
    check_length(
        "covariance",
        equations.covariance.len(),
        equations.assets * width * width,
    )?;
    let size = (options.horizon + 1) * fit.series;
    let mut out = Responses {
        values: vec![f64::NAN; equations.assets * size],
        variances: vec![f64::NAN; equations.assets * size],
    };
    let weights = system.weights();
    let own_weights = system.equation_weights(equations.lags);
    let chunk = (ASSETS_PER_TASK * size).max(1);
    let tasks: Vec<_> = out
        .values
        .chunks_mut(chunk)
        .zip(out.variances.chunks_mut(chunk))
        .enumerate()
        .collect();
    for_each(
        tasks,
        control,
        |done| control.report(done),
        |(task, (values, variances))| {
            let first = task * ASSETS_PER_TASK;
            let assets = first..first + values.len() / size;
            let b = &equations.coefficients[assets.start * width..assets.end * width];
            let units: Vec<f64> = b.chunks_exact(width).flat_map(|b| system.unit_responses(b)).collect();
            system.respond(weights.as_deref(), &units, values, variances);
            let covariances = &equations.covariance[assets.start * width * width..assets.end * width * width];
            let triangles: Vec<f64> = covariances
                .chunks_exact(width * width)
                .flat_map(|c| lower_pairs(width).map(|(i, j)| c[i * width + j]))
                .collect();
            for (variance, own) in variances.iter_mut().zip(times(&triangles, &own_weights, size)) {
                *variance += own;
            }
            for (at, b) in b.chunks_exact(width).enumerate() {
                if b.iter().any(|b| b.is_nan()) {
                    values[at * size..(at + 1) * size].fill(f64::NAN);
                    variances[at * size..(at + 1) * size].fill(f64::NAN);
                }
            }
        },
    )?;
    Ok(out)
}

/// Responses `[horizon][shock]` as combinations of an equation's coefficients [constant, lag 0, lag 1, ...]:
/// `[column][horizon][shock]`.
pub(super) fn equation_responses(fit: &Var, options: &ResponseOptions, lags: usize) -> Result<Vec<f64>, LinearError> {
    let theta = System::new(fit, options)?.series_responses();
    let (k, steps) = (fit.series, options.horizon + 1);
    let mut out = vec![0.0; (1 + lags * k) * steps * k];
    for lag in 0..lags {
        for series in 0..k {
            let row = &mut out[(1 + lag * k + series) * steps * k..][..steps * k];
            for h in lag..steps {
                row[h * k..(h + 1) * k].copy_from_slice(&theta[((h - lag) * k + series) * k..][..k]);
            }
        }
    }
    Ok(out)
}

/// Pairs (i, j) with j <= i < `size`: the lower triangle of a symmetric matrix.
fn lower_pairs(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(|i| (0..=i).map(move |j| (i, j)))
}

/// `[row][pair]` times `[pair][output]`, `[row][output]`.
fn times(triangles: &[f64], weights: &[f64], outputs: usize) -> Vec<f64> {
    let pairs = weights.len() / outputs.max(1);
    let rows = triangles.len() / pairs.max(1);
    let mut out = vec![0.0; rows * outputs];
    matmul(
        MatMut::from_row_major_slice_mut(&mut out, rows, outputs),
        Accum::Replace,
        MatRef::from_row_major_slice(triangles, rows, pairs),
        MatRef::from_row_major_slice(weights, pairs, outputs),
        1.0,
        Par::Seq,
    );
    out
}

fn check_length(name: &'static str, actual: usize, expected: usize) -> Result<(), LinearError> {
    if actual == expected {
        return Ok(());
    }
    Err(LinearError::ShapeMismatch { name, expected, actual })
}

/// What all responses of one autoregression share. s = impulse column, S = `impulse`.
struct System<'a> {
    fit: &'a Var,
    options: &'a ResponseOptions,
    /// Phi, `[horizon][series][series]`: response to unit innovations.
    phi: Vec<f64>,
    /// S, `[series][shock]`.
    impulse: Vec<f64>,
    /// Cholesky factor of the residual covariance.
    factor: Vec<f64>,
}

impl<'a> System<'a> {
    fn new(fit: &'a Var, options: &'a ResponseOptions) -> Result<Self, LinearError> {
        let (k, steps) = (fit.series, options.horizon + 1);
        let mut phi = vec![0.0; steps * k * k];
        for a in 0..k {
            phi[a * k + a] = 1.0;
        }
        for h in 1..steps {
            for lag in 1..=fit.order.min(h) {
                let part = product(&phi[(h - lag) * k * k..(h - lag + 1) * k * k], fit.lag(lag), k);
                let own = &mut phi[h * k * k..(h + 1) * k * k];
                own.iter_mut().zip(part).for_each(|(own, part)| *own += part);
            }
        }
        let factor = cholesky_factor(fit)?;
        Ok(Self {
            fit,
            options,
            phi,
            impulse: impulse(fit, &factor, options.impulse),
            factor,
        })
    }

    /// Phi of one series, `[horizon][series]`.
    fn own_responses(&self, series: usize) -> Vec<f64> {
        let k = self.fit.series;
        let rows = self.phi.chunks_exact(k * k);
        rows.flat_map(|phi| phi[series * k..(series + 1) * k].to_vec())
            .collect()
    }

    /// F'R_i s of one shock, `[i][regressor]`, R_i = A^i J' of the companion matrix, F the rows of the regressors' factor
    /// that belong to lags; R summed over i when cumulative.
    fn turned_impulses(&self, shock: usize) -> Vec<f64> {
        let (fit, k, steps) = (self.fit, self.fit.series, self.options.horizon);
        let width = k * fit.order;
        // State of the companion form after each step: newest block first.
        let mut states = vec![0.0; steps * width];
        for step in 0..steps {
            let (before, now) = states.split_at_mut(step * width);
            let now = &mut now[..width];
            if step == 0 {
                (0..k.min(width)).for_each(|a| now[a] = self.impulse[a * k + shock]);
                continue;
            }
            let before = &before[(step - 1) * width..];
            for lag in 1..=fit.order {
                let block = &before[(lag - 1) * k..lag * k];
                for (a, row) in fit.lag(lag).chunks_exact(k).enumerate() {
                    now[a] += dot(row, block);
                }
            }
            now[k.min(width)..].copy_from_slice(&before[..width.saturating_sub(k)]);
        }
        if self.options.cumulative {
            for at in width..states.len() {
                states[at] += states[at - width];
            }
        }
        let regressors = fit.regressors();
        let mut turned = vec![0.0; steps * regressors];
        for (state, out) in states
            .chunks_exact(width.max(1))
            .zip(turned.chunks_exact_mut(regressors))
        {
            let rows = fit.regressor_factor.chunks_exact(regressors).skip(1);
            for (x, row) in state.iter().zip(rows) {
                out.iter_mut().zip(row).for_each(|(out, f)| *out += f * x);
            }
        }
        turned
    }

    /// (R_i s_b)' Q (R_j s_b), `[i][j][shock]`, Q the lags' part of (Z'Z)^-1.
    fn spread_of_impulses(&self) -> Vec<f64> {
        let (k, steps, regressors) = (self.fit.series, self.options.horizon, self.fit.regressors());
        let mut spread = vec![0.0; steps * steps * k];
        for shock in 0..k {
            let turned = self.turned_impulses(shock);
            let row = |i: usize| &turned[i * regressors..(i + 1) * regressors];
            for i in 0..steps {
                for j in 0..steps {
                    spread[(i * steps + j) * k + shock] = dot(row(i), row(j));
                }
            }
        }
        spread
    }

    /// Variances of responses from the autoregression's coefficients as squared lengths, |sum_m (L'rho_m) (F'R_{h-1-m} s)'|^2
    /// with L the factor of the residual covariance: several times the work of [`Self::weights`], whose products have
    /// either sign and cancel where regressors are nearly collinear. `units` and out `[responding][horizon][..]`.
    fn lengths(&self, units: &[f64], variances: &mut [f64]) {
        let (k, steps, regressors) = (self.fit.series, self.options.horizon, self.fit.regressors());
        let size = (steps + 1) * k;
        let impulses: Vec<Vec<f64>> = (0..k).map(|shock| self.turned_impulses(shock)).collect();
        let mut sum = vec![0.0; k * regressors];
        for (unit, out) in units.chunks_exact(size).zip(variances.chunks_exact_mut(size)) {
            let turned: Vec<f64> = unit.chunks_exact(k).flat_map(|rho| self.turned(rho)).collect();
            for h in 0..=steps {
                for (shock, impulses) in impulses.iter().enumerate() {
                    sum.fill(0.0);
                    for m in 0..h {
                        let moved = &impulses[(h - 1 - m) * regressors..(h - m) * regressors];
                        for (row, x) in sum.chunks_exact_mut(regressors).zip(&turned[m * k..(m + 1) * k]) {
                            row.iter_mut().zip(moved).for_each(|(sum, f)| *sum += x * f);
                        }
                    }
                    out[h * k + shock] = dot(&sum, &sum);
                }
            }
        }
    }

    /// rho_h = sum_k b_k' Phi_{h-k}, `[horizon][series]`: an asset's response to unit innovations.
    fn unit_responses(&self, b: &[f64]) -> Vec<f64> {
        let k = self.fit.series;
        let mut unit = vec![0.0; (self.options.horizon + 1) * k];
        for (h, unit) in unit.chunks_exact_mut(k).enumerate() {
            for (lag, b) in b.chunks_exact(k).enumerate().take(h + 1) {
                let phi = &self.phi[(h - lag) * k * k..(h - lag + 1) * k * k];
                for (b, row) in b.iter().zip(phi.chunks_exact(k)) {
                    unit.iter_mut().zip(row).for_each(|(unit, phi)| *unit += b * phi);
                }
            }
        }
        unit
    }

    /// Responses of the series themselves, Theta, `[horizon][series][shock]`; sums over horizons when cumulative.
    fn series_responses(&self) -> Vec<f64> {
        let k = self.fit.series;
        let mut theta: Vec<f64> = self
            .phi
            .chunks_exact(k * k)
            .flat_map(|phi| product(phi, &self.impulse, k))
            .collect();
        if self.options.cumulative {
            for at in k * k..theta.len() {
                theta[at] += theta[at - k * k];
            }
        }
        theta
    }

    /// Variance of an asset's responses from its own coefficients, by pairs of them: `[pair][horizon][shock]`. A response
    /// is the coefficients times [Theta_h s, Theta_{h-1} s, ...].
    fn equation_weights(&self, lags: usize) -> Vec<f64> {
        let (k, steps) = (self.fit.series, self.options.horizon + 1);
        let theta = self.series_responses();
        // Theta of a coefficient at a horizon, `[shock]`.
        let stacked = |at: usize, h: usize| {
            let (lag, series) = (at / k, at % k);
            (lag <= h).then(|| &theta[((h - lag) * k + series) * k..((h - lag) * k + series + 1) * k])
        };
        let mut weights = Vec::with_capacity(lags * k * (lags * k + 1) / 2 * steps * k);
        for (i, j) in lower_pairs(lags * k) {
            let twice = if i == j { 1.0 } else { 2.0 };
            for h in 0..steps {
                match (stacked(i, h), stacked(j, h)) {
                    (Some(x), Some(y)) => weights.extend(x.iter().zip(y).map(|(x, y)| twice * x * y)),
                    _ => weights.resize(weights.len() + k, 0.0),
                }
            }
        }
        weights
    }

    /// Variance of responses from the autoregression's coefficients, by pairs (m, n) of rho_m Sigma rho_n':
    /// `[pair][horizon][shock]`. With d the change of an estimate, d response_h = sum_m rho_m dA R_{h-1-m} s. `None` for
    /// regressors so nearly collinear that these products cancel: then [`Self::lengths`].
    fn weights(&self) -> Option<Vec<f64>> {
        let (k, steps) = (self.fit.series, self.options.horizon);
        if self.fit.condition > REFINED_FROM {
            return None;
        }
        let spread = self.spread_of_impulses();
        let mut weights = Vec::with_capacity(steps * (steps + 1) / 2 * (steps + 1) * k);
        for (m, n) in lower_pairs(steps) {
            let twice = if m == n { 1.0 } else { 2.0 };
            weights.resize(weights.len() + (m + 1) * k, 0.0);
            for h in m + 1..=steps {
                let at = ((h - 1 - m) * steps + h - 1 - n) * k;
                weights.extend(spread[at..at + k].iter().map(|x| twice * x));
            }
        }
        Some(weights)
    }

    /// Responses and their variances from the autoregression out of rho, `[responding][horizon][series]`.
    fn respond(&self, weights: Option<&[f64]>, units: &[f64], values: &mut [f64], variances: &mut [f64]) {
        let (k, steps) = (self.fit.series, self.options.horizon);
        let size = (steps + 1) * k;
        match weights {
            Some(weights) if steps > 0 => variances.copy_from_slice(&times(&self.noise_products(units), weights, size)),
            _ => self.lengths(units, variances),
        }
        let slots = values.chunks_exact_mut(size).zip(variances.chunks_exact_mut(size));
        for (unit, (values, variances)) in units.chunks_exact(size).zip(slots) {
            let rho = self.values(unit, values);
            for h in 0..=steps {
                let (own, at) = (&rho[h * k..(h + 1) * k], h * k..(h + 1) * k);
                for shock in 0..k {
                    variances[h * k + shock] += self.variance_of_impulse(own, &values[at.clone()], shock);
                }
            }
        }
    }

    /// rho_m Sigma rho_n' of every pair, `[responding][pair]`.
    fn noise_products(&self, units: &[f64]) -> Vec<f64> {
        let (k, steps) = (self.fit.series, self.options.horizon);
        let size = (steps + 1) * k;
        let mut products = Vec::with_capacity(units.len() / size * steps * (steps + 1) / 2);
        for unit in units.chunks_exact(size) {
            let turned: Vec<f64> = unit.chunks_exact(k).flat_map(|rho| self.turned(rho)).collect();
            let row = |m: usize| &turned[m * k..(m + 1) * k];
            products.extend(lower_pairs(steps).map(|(m, n)| dot(row(m), row(n))));
        }
        products
    }

    /// rho L, whose products are those of rho Sigma rho'.
    fn turned(&self, rho: &[f64]) -> Vec<f64> {
        let k = rho.len();
        (0..k)
            .map(|j| (j..k).map(|i| rho[i] * self.factor[i * k + j]).sum())
            .collect()
    }

    /// Responses `[horizon][shock]` out of rho; hands back rho, summed over horizons when cumulative.
    fn values(&self, unit: &[f64], values: &mut [f64]) -> Vec<f64> {
        let k = self.fit.series;
        let mut rho = unit.to_vec();
        if self.options.cumulative {
            for at in k..rho.len() {
                rho[at] += rho[at - k];
            }
        }
        for (rho, out) in rho.chunks_exact(k).zip(values.chunks_exact_mut(k)) {
            for (shock, out) in out.iter_mut().enumerate() {
                *out = rho
                    .iter()
                    .enumerate()
                    .map(|(a, x)| x * self.impulse[a * k + shock])
                    .sum();
            }
        }
        rho
    }

    /// Variance of rho dS: n Cov(dSigma_ij, dSigma_kl) = S_ik S_jl + S_il S_jk. In the basis of the Cholesky factor
    /// the entries of its change are independent.
    fn variance_of_impulse(&self, rho: &[f64], response: &[f64], shock: usize) -> f64 {
        let n = self.fit.observations as f64;
        let own = response[shock].powi(2) / 2.0;
        match self.options.impulse {
            Impulse::Unit => 0.0,
            Impulse::Orthogonal => (response[shock + 1..].iter().map(|x| x * x).sum::<f64>() + own) / n,
            // rho S rho' by the factor: with nearly collinear series rho is large where S is small.
            Impulse::Generalised => (self.turned(rho).iter().map(|x| x * x).sum::<f64>() - own) / n,
        }
    }
}

/// Lower factor of the residual covariance; what lies above its diagonal is not part of it.
fn cholesky_factor(fit: &Var) -> Result<Vec<f64>, LinearError> {
    let mut factor = fit.residual_covariance.clone();
    if cholesky(&mut factor, fit.series) {
        return Ok(factor);
    }
    Err(LinearError::BadOption {
        name: "residual covariance",
        value: 0.0,
        remedy: "it is singular: leave out a series that the others determine",
    })
}

/// S, `[series][shock]`.
fn impulse(fit: &Var, factor: &[f64], kind: Impulse) -> Vec<f64> {
    let k = fit.series;
    let sigma = &fit.residual_covariance;
    let entry = |at: usize| {
        let (a, shock) = (at / k, at % k);
        match kind {
            Impulse::Unit => f64::from(a == shock),
            Impulse::Orthogonal if shock <= a => factor[at],
            Impulse::Orthogonal => 0.0,
            Impulse::Generalised => sigma[at] / sigma[shock * k + shock].sqrt(),
        }
    };
    (0..k * k).map(entry).collect()
}
