use macrograd_simd::Control;

use super::HeadOptions;
use super::moments::Pattern;
use super::rank::leading_part;
use crate::LinearError;
use crate::small::{apply, invert_spd, product, trace_product, transpose};

/// Variances to start from, of features and returns of unit variance.
const START: Start = Start {
    spread: 0.02,
    mean: 0.05,
    noise: 0.8,
};

struct Start {
    spread: f64,
    mean: f64,
    noise: f64,
}

/// Least variance: keeps A invertible where a feature is shrunk away.
const LEAST_VARIANCE: f64 = 1e-8;

/// Converged when the noise variances and A's trace move by less than this share in a step.
const TOLERANCE: f64 = 1e-4;

/// Most steps that adapt a prior after its rank was reduced: its directions stay, so that few are needed.
const REDUCED_STEPS: usize = 30;

/// What all assets together say about a head.
#[derive(Clone)]
pub(crate) struct Prior {
    /// `[feature]`: posterior mean of mu, and its covariance.
    pub mean: Vec<f64>,
    pub mean_covariance: Vec<f64>,
    /// `[feature][feature]`: A and its inverse.
    pub covariance: Vec<f64>,
    precision: Vec<f64>,
    /// `[feature][feature]`: E[w w'] of the last step, mean over assets.
    second: Vec<f64>,
    /// `[feature]`: g.
    mean_variance: Vec<f64>,
    pub own_noise: f64,
    pub common_noise: f64,
    pub steps: usize,
    pub converged: bool,
}

/// Heads of a pattern's assets given the prior.
pub(crate) struct Posterior {
    /// `[feature]`: mean over assets of the heads, less mu.
    pub mean_deviation: Vec<f64>,
    /// `[asset][feature]`: heads less their mean over assets.
    pub deviations: Vec<f64>,
    /// V1 = (G / v1 + A^-1)^-1 of the mean, V2 = (G / v2 + A^-1)^-1 of a deviation.
    v1: Vec<f64>,
    v2: Vec<f64>,
    /// V1 G / v1.
    pull: Vec<f64>,
    assets: f64,
}

impl Prior {
    /// Noise variance of sqrt(N) times the mean of N assets.
    fn mean_noise(&self, assets: f64) -> f64 {
        self.own_noise + assets * self.common_noise
    }

    /// (G / noise + A^-1)^-1.
    fn shrunk_inverse(&self, pattern: &Pattern, noise: f64, k: usize) -> Vec<f64> {
        let sum: Vec<f64> = pattern
            .gram
            .iter()
            .zip(&self.precision)
            .map(|(g, a)| g / noise + a)
            .collect();
        // A sum of a positive definite and a semi-definite matrix; fails only on overflow.
        invert_spd(&sum, k).unwrap_or_else(|| vec![f64::NAN; k * k])
    }

    pub(crate) fn posterior(&self, pattern: &Pattern) -> Posterior {
        let k = self.mean.len();
        let assets = pattern.assets.len() as f64;
        let noise = self.mean_noise(assets);
        let v1 = self.shrunk_inverse(pattern, noise, k);
        let v2 = if assets > 1.0 {
            self.shrunk_inverse(pattern, self.own_noise, k)
        } else {
            vec![0.0; k * k]
        };
        let fitted = apply(&pattern.gram, &self.mean);
        let rest: Vec<f64> = pattern
            .mean_moment
            .iter()
            .zip(&fitted)
            .map(|(b, f)| (b - f) / noise)
            .collect();
        let mut pull = product(&v1, &pattern.gram, k);
        pull.iter_mut().for_each(|x| *x /= noise);
        let mut deviations = Vec::with_capacity(pattern.assets.len() * k);
        for moment in pattern.deviation_moments.chunks_exact(k) {
            deviations.extend(apply(&v2, moment).into_iter().map(|x| x / self.own_noise));
        }
        Posterior {
            mean_deviation: apply(&v1, &rest),
            deviations,
            v1,
            v2,
            pull,
            assets,
        }
    }
}

impl Posterior {
    /// Heads of the pattern's assets, `[asset][feature]`.
    pub(super) fn heads(&self, prior: &Prior) -> Vec<Vec<f64>> {
        let shared: Vec<f64> = prior
            .mean
            .iter()
            .zip(&self.mean_deviation)
            .map(|(m, w)| m + w)
            .collect();
        let deviations = self.deviations.chunks_exact(shared.len().max(1));
        deviations
            .map(|own| own.iter().zip(&shared).map(|(own, shared)| shared + own).collect())
            .collect()
    }

    /// Cov(c_i) = (I - Q) M (I - Q)' + V1 / N + (1 - 1/N) V2, Q = V1 G / v1, M the covariance of mu.
    pub(crate) fn covariance(&self, prior: &Prior) -> Vec<f64> {
        let k = prior.mean.len();
        let mut out = self.around_mean(prior, k);
        for ((out, v1), v2) in out.iter_mut().zip(&self.v1).zip(&self.v2) {
            *out += v1 / self.assets + (1.0 - 1.0 / self.assets) * v2;
        }
        out
    }

    /// (I - Q) M (I - Q)'.
    fn around_mean(&self, prior: &Prior, k: usize) -> Vec<f64> {
        let keep: Vec<f64> = self
            .pull
            .iter()
            .enumerate()
            .map(|(at, q)| f64::from(at / k == at % k) - q)
            .collect();
        product(&product(&keep, &prior.mean_covariance, k), &transpose(&keep, k), k)
    }
}

/// Expectation maximisation over the patterns.
pub(crate) fn estimate(patterns: &[Pattern], options: &HeadOptions, control: &Control) -> Result<Prior, LinearError> {
    let k = options.block.len();
    let diagonal = |value: f64| -> Vec<f64> {
        (0..k * k)
            .map(|at| if at / k == at % k { value } else { 0.0 })
            .collect()
    };
    let mut prior = Prior {
        mean: vec![0.0; k],
        mean_covariance: vec![0.0; k * k],
        covariance: diagonal(START.spread),
        precision: diagonal(1.0 / START.spread),
        second: diagonal(START.spread),
        mean_variance: vec![START.mean; k],
        own_noise: START.noise,
        common_noise: 0.0,
        steps: 0,
        converged: false,
    };
    prior.climb(patterns, options, options.max_steps, control)?;
    Ok(prior)
}

impl Prior {
    /// Expectation maximisation, so many steps at most.
    fn climb(
        &mut self,
        patterns: &[Pattern],
        options: &HeadOptions,
        most: usize,
        control: &Control,
    ) -> Result<(), LinearError> {
        let k = self.mean.len();
        self.converged = false;
        for step in 0..most {
            control.check().map_err(|_| LinearError::Cancelled)?;
            control.report(step as f64 / most as f64);
            if !options.ridge {
                update_mean(self, patterns, k);
                update_mean_variance(self, options);
            }
            let before = (self.own_noise, self.common_noise, trace(&self.covariance, k));
            maximise(self, patterns, options, k);
            let after = (self.own_noise, self.common_noise, trace(&self.covariance, k));
            let still = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * (a.abs() + LEAST_VARIANCE);
            self.steps += 1;
            self.converged = still(after.0, before.0) && still(after.1, before.1) && still(after.2, before.2);
            if self.converged {
                break;
            }
        }
        Ok(())
    }

    /// The prior with A of so low a rank: its leading directions, then its variances along them, the mean and the noises
    /// anew. A posterior has no part outside A's directions, so that they stay.
    pub(super) fn reduced(
        &self,
        patterns: &[Pattern],
        options: &HeadOptions,
        rank: usize,
        control: &Control,
    ) -> Result<Self, LinearError> {
        let k = self.mean.len();
        let mut out = self.clone();
        let whole = HeadOptions {
            correlation: 1.0,
            ..options.clone()
        };
        if let Some(part) = leading_part(&self.second, patterns, rank, k) {
            set_covariance(&mut out, part, &whole, k);
        }
        out.climb(patterns, &whole, options.max_steps.min(REDUCED_STEPS), control)?;
        Ok(out)
    }
}

/// Posterior of mu: precision diag(1/g) + sum over patterns of N (G - G V1 G / v1) / v1.
fn update_mean(prior: &mut Prior, patterns: &[Pattern], k: usize) {
    let mut precision = vec![0.0; k * k];
    let mut right = vec![0.0; k];
    for (j, g) in prior.mean_variance.iter().enumerate() {
        precision[j * k + j] = 1.0 / g;
    }
    for pattern in patterns {
        let n = pattern.assets.len() as f64;
        let noise = prior.mean_noise(n);
        let v1 = prior.shrunk_inverse(pattern, noise, k);
        // G V1 / v1, and N / v1 of the rest.
        let pull = product(&pattern.gram, &v1, k);
        let bent = product(&pull, &pattern.gram, k);
        let seen = apply(&pull, &pattern.mean_moment);
        for ((out, g), bent) in precision.iter_mut().zip(&pattern.gram).zip(&bent) {
            *out += n / noise * (g - bent / noise);
        }
        for ((out, b), seen) in right.iter_mut().zip(&pattern.mean_moment).zip(&seen) {
            *out += n / noise * (b - seen / noise);
        }
    }
    if let Some(covariance) = invert_spd(&precision, k) {
        prior.mean = apply(&covariance, &right);
        prior.mean_covariance = covariance;
    }
}

fn update_mean_variance(prior: &mut Prior, options: &HeadOptions) {
    let k = prior.mean.len();
    let own: Vec<f64> = (0..k)
        .map(|j| prior.mean[j].powi(2) + prior.mean_covariance[j * k + j])
        .collect();
    prior.mean_variance = block_means(&own, &options.block);
    prior.mean_variance.iter_mut().for_each(|g| *g = g.max(LEAST_VARIANCE));
}

/// Every value becomes the mean of its block.
fn block_means(values: &[f64], block: &[u32]) -> Vec<f64> {
    let mean = |wanted: u32| {
        let own: Vec<f64> = values
            .iter()
            .zip(block)
            .filter(|(_, b)| **b == wanted)
            .map(|(v, _)| *v)
            .collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    block.iter().map(|&b| mean(b)).collect()
}

/// New A and noise variances from the posterior moments of all heads.
fn maximise(prior: &mut Prior, patterns: &[Pattern], options: &HeadOptions, k: usize) {
    let mut second = vec![0.0; k * k];
    let mut assets = 0.0;
    let (mut own_square, mut own_freedom) = (0.0, 0.0);
    let mut means = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        let posterior = prior.posterior(pattern);
        let n = posterior.assets;
        assets += n;
        add_second_moments(&mut second, &posterior, prior, k);
        let fit = deviation_square(pattern, &posterior, k);
        own_square += fit + (n - 1.0) * trace_product(&pattern.gram, &posterior.v2, k);
        own_freedom += (n - 1.0) * pattern.freedom;
        means.push((
            mean_square(pattern, &posterior, prior, k) / pattern.freedom,
            pattern.freedom,
            n,
        ));
    }
    second.iter_mut().for_each(|x| *x /= assets);
    prior.second.clone_from(&second);
    set_covariance(prior, second, options, k);
    (prior.own_noise, prior.common_noise) = noises((own_square, own_freedom), &means, prior.common_noise);
}

/// Variances of an asset's own noise and of what all share, from the square and freedom of deviations, and from each
/// pattern's mean square of the mean over assets, its freedom and number of assets.
pub(super) fn noises((square, freedom): (f64, f64), means: &[(f64, f64, f64)], common: f64) -> (f64, f64) {
    if freedom > 0.0 {
        let own = square / freedom;
        let weight: f64 = means.iter().map(|(_, freedom, n)| freedom * n * n).sum();
        let excess: f64 = means
            .iter()
            .map(|(noise, freedom, n)| freedom * n * (noise - own))
            .sum();
        return (own, (excess / weight).max(0.0));
    }
    // No two assets share a pattern: the two noises can't be told apart.
    let weight: f64 = means.iter().map(|(_, freedom, _)| freedom).sum();
    (
        means.iter().map(|(noise, freedom, _)| noise * freedom).sum::<f64>() / weight,
        common,
    )
}

/// Adds sum over assets of E[w w']: deviations and, with mu's own uncertainty, the mean.
fn add_second_moments(second: &mut [f64], posterior: &Posterior, prior: &Prior, k: usize) {
    let n = posterior.assets;
    let w = &posterior.mean_deviation;
    let pulled = product(
        &product(&posterior.pull, &prior.mean_covariance, k),
        &transpose(&posterior.pull, k),
        k,
    );
    for i in 0..k {
        for j in 0..k {
            let at = i * k + j;
            second[at] += n * w[i] * w[j] + posterior.v1[at] + n * pulled[at] + (n - 1.0) * posterior.v2[at];
        }
    }
    for deviation in posterior.deviations.chunks_exact(k) {
        for (row, &left) in second.chunks_exact_mut(k).zip(deviation) {
            row.iter_mut()
                .zip(deviation)
                .for_each(|(out, right)| *out += left * right);
        }
    }
}

/// Sum over assets of |y - R w|^2 of the deviations.
fn deviation_square(pattern: &Pattern, posterior: &Posterior, k: usize) -> f64 {
    let pairs = pattern
        .deviation_moments
        .chunks_exact(k)
        .zip(posterior.deviations.chunks_exact(k));
    let explained: f64 = pairs
        .map(|(moment, w)| {
            let fitted = apply(&pattern.gram, w);
            w.iter()
                .zip(moment)
                .zip(&fitted)
                .map(|((w, b), f)| w * (2.0 * b - f))
                .sum::<f64>()
        })
        .sum();
    pattern.deviation_square - explained
}

/// E of N |ybar - R (mu + w)|^2.
fn mean_square(pattern: &Pattern, posterior: &Posterior, prior: &Prior, k: usize) -> f64 {
    let head: Vec<f64> = prior
        .mean
        .iter()
        .zip(&posterior.mean_deviation)
        .map(|(m, w)| m + w)
        .collect();
    let fitted = apply(&pattern.gram, &head);
    let explained: f64 = head
        .iter()
        .zip(&pattern.mean_moment)
        .zip(&fitted)
        .map(|((c, b), f)| c * (2.0 * b - f))
        .sum();
    let uncertain = posterior.assets * trace_product(&pattern.gram, &posterior.around_mean(prior, k), k);
    posterior.assets * (pattern.mean_square - explained) + trace_product(&pattern.gram, &posterior.v1, k) + uncertain
}

/// A from the mean of w w': correlations kept in part, or block means for the ridge.
fn set_covariance(prior: &mut Prior, mut second: Vec<f64>, options: &HeadOptions, k: usize) {
    let mut diagonal: Vec<f64> = (0..k).map(|j| second[j * k + j]).collect();
    if options.ridge {
        diagonal = block_means(&diagonal, &options.block);
    }
    let keep = if options.ridge { 0.0 } else { options.correlation };
    second.iter_mut().for_each(|x| *x *= keep);
    for (j, value) in diagonal.into_iter().enumerate() {
        second[j * k + j] = value + LEAST_VARIANCE;
    }
    if let Some(precision) = invert_spd(&second, k) {
        prior.precision = precision;
        prior.covariance = second;
    }
}

fn trace(a: &[f64], k: usize) -> f64 {
    (0..k).map(|j| a[j * k + j]).sum()
}
