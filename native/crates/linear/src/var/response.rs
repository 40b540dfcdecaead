use macrograd_simd::Control;

use super::Var;
use crate::LinearError;
use crate::parallel::for_each;
use crate::small::{cholesky, product};

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
    for a in 0..k {
        let unit: Vec<f64> = (0..=options.horizon)
            .flat_map(|h| system.phi[(h * k + a) * k..(h * k + a + 1) * k].to_vec())
            .collect();
        let range = a * size..(a + 1) * size;
        system.respond(&unit, &mut out.values[range.clone()], &mut out.variances[range]);
    }
    Ok(out)
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
    let stacked = system.stacked_impulses(equations.lags);
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
            let slots = values.chunks_mut(size).zip(variances.chunks_mut(size));
            for (at, (values, variances)) in slots.enumerate() {
                let asset = task * ASSETS_PER_TASK + at;
                let b = &equations.coefficients[asset * width..(asset + 1) * width];
                if b.iter().any(|b| b.is_nan()) {
                    continue;
                }
                system.respond(&system.unit_responses(b), values, variances);
                let covariance = &equations.covariance[asset * width * width..(asset + 1) * width * width];
                for (variance, x) in variances.iter_mut().zip(stacked.chunks_exact(width)) {
                    *variance += quadratic(covariance, x, x);
                }
            }
        },
    )?;
    Ok(out)
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
    /// (R_i s_b)' Q (R_j s_b), `[i][j][shock]`, R_i = A^i J' of the companion matrix, Q its part of (Z'Z)^-1; R summed
    /// over i when cumulative.
    spread: Vec<f64>,
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
        let mut system = Self {
            fit,
            options,
            phi,
            impulse: impulse(fit, options.impulse)?,
            spread: Vec::new(),
        };
        system.spread = system.spread_of_impulses();
        Ok(system)
    }

    fn spread_of_impulses(&self) -> Vec<f64> {
        let (fit, k, steps) = (self.fit, self.fit.series, self.options.horizon);
        let width = k * fit.order;
        let mut spread = vec![0.0; steps * steps * k];
        for shock in 0..k {
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
            let weighted: Vec<f64> = states
                .chunks_exact(width.max(1))
                .flat_map(|x| {
                    (0..width).map(move |i| {
                        dot(
                            &fit.regressor_inverse[(1 + i) * regressors + 1..(2 + i) * regressors],
                            x,
                        )
                    })
                })
                .collect();
            for i in 0..steps {
                for j in 0..steps {
                    let (x, y) = (
                        &states[i * width..(i + 1) * width],
                        &weighted[j * width..(j + 1) * width],
                    );
                    spread[(i * steps + j) * k + shock] = dot(x, y);
                }
            }
        }
        spread
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

    /// [Theta_h s, Theta_{h-1} s, ...], `[horizon][shock][lag x series]`: what an asset's coefficients are multiplied by.
    fn stacked_impulses(&self, lags: usize) -> Vec<f64> {
        let (k, steps) = (self.fit.series, self.options.horizon + 1);
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
        let mut stacked = vec![0.0; steps * k * lags * k];
        for (at, value) in stacked.iter_mut().enumerate() {
            let (series, lag) = (at % k, at / k % lags);
            let (shock, h) = (at / (k * lags) % k, at / (k * lags * k));
            if lag <= h {
                *value = theta[((h - lag) * k + series) * k + shock];
            }
        }
        stacked
    }

    /// Response and its variance from the autoregression out of rho, `[horizon][series]`. With d the change of an
    /// estimate: d response_h = sum_m rho_m dA R_{h-1-m} s + rho_h dS.
    fn respond(&self, unit: &[f64], values: &mut [f64], variances: &mut [f64]) {
        let (k, steps) = (self.fit.series, self.options.horizon);
        let sigma = &self.fit.residual_covariance;
        // rho_m Sigma rho_n', `[m][n]`.
        let mut noise = vec![0.0; steps * steps];
        for m in 0..steps {
            for n in 0..=m {
                let value = quadratic(sigma, &unit[m * k..(m + 1) * k], &unit[n * k..(n + 1) * k]);
                noise[m * steps + n] = value;
                noise[n * steps + m] = value;
            }
        }
        let mut rho = vec![0.0; k];
        for h in 0..=steps {
            let own = &unit[h * k..(h + 1) * k];
            if self.options.cumulative {
                rho.iter_mut().zip(own).for_each(|(rho, own)| *rho += own);
            } else {
                rho.copy_from_slice(own);
            }
            let response: Vec<f64> = (0..k)
                .map(|shock| (0..k).map(|a| rho[a] * self.impulse[a * k + shock]).sum())
                .collect();
            for shock in 0..k {
                let mut variance = self.variance_of_impulse(&rho, &response, shock);
                for m in 0..h {
                    for n in 0..h {
                        let spread = self.spread[((h - 1 - m) * steps + h - 1 - n) * k + shock];
                        variance += noise[m * steps + n] * spread;
                    }
                }
                values[h * k + shock] = response[shock];
                variances[h * k + shock] = variance;
            }
        }
    }

    /// Variance of rho dS: n Cov(dSigma_ij, dSigma_kl) = S_ik S_jl + S_il S_jk. In the basis of the Cholesky factor
    /// the entries of its change are independent.
    fn variance_of_impulse(&self, rho: &[f64], response: &[f64], shock: usize) -> f64 {
        let n = self.fit.observations as f64;
        let own = response[shock].powi(2) / 2.0;
        match self.options.impulse {
            Impulse::Unit => 0.0,
            Impulse::Orthogonal => (response[shock + 1..].iter().map(|x| x * x).sum::<f64>() + own) / n,
            Impulse::Generalised => (quadratic(&self.fit.residual_covariance, rho, rho) - own) / n,
        }
    }
}

/// S, `[series][shock]`.
fn impulse(fit: &Var, kind: Impulse) -> Result<Vec<f64>, LinearError> {
    let k = fit.series;
    let sigma = &fit.residual_covariance;
    let mut factor = sigma.clone();
    if !cholesky(&mut factor, k) {
        return Err(LinearError::BadOption {
            name: "residual covariance",
            value: 0.0,
            remedy: "it is singular: leave out a series that the others determine",
        });
    }
    let entry = |at: usize| {
        let (a, shock) = (at / k, at % k);
        match kind {
            Impulse::Unit => f64::from(a == shock),
            Impulse::Orthogonal if shock <= a => factor[at],
            Impulse::Orthogonal => 0.0,
            Impulse::Generalised => sigma[at] / sigma[shock * k + shock].sqrt(),
        }
    };
    Ok((0..k * k).map(entry).collect())
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// x' M y.
fn quadratic(matrix: &[f64], x: &[f64], y: &[f64]) -> f64 {
    matrix
        .chunks_exact(y.len())
        .zip(x)
        .map(|(row, x)| x * dot(row, y))
        .sum()
}
