//! Variational expectation maximisation of the components.

use faer::linalg::solvers::DenseSolveCore;
use faer::{Mat, MatRef, Side};
use macrograd_simd::Control;

use super::super::estimation::noises;
use super::start::start;
use super::{Moments, multiply, times};
use crate::LinearError;

/// Variances to start from, of features and returns of unit variance.
const START: f64 = 0.05;
const START_NOISE: f64 = 0.8;

/// Steps that estimate prior variances of components by expectation maximisation, which moves all of them a little; later
/// ones take MacKay's (1992) fixed point, which sends those that nothing speaks for to 0.
const SLOW_STEPS: usize = 20;

/// Fewest steps, and the change of the noise variance and of the coefficients' spread, as a share, that ends them.
const FEWEST_STEPS: usize = 40;
const TOLERANCE: f64 = 1e-6;
const SPREAD_TOLERANCE: f64 = 2e-4;

/// Updates of coefficients and their prior between two updates of the components.
const INNER_STEPS: usize = 2;

const LEAST_VARIANCE: f64 = 1e-10;

/// Coefficients of 0 that every group is taken to have beside its own, p(tau) ~ tau^-(UNSEEN / 2): of dozens of groups some
/// fit the noise of a few hundred rows, the more where one series, the market, is all that there is.
const UNSEEN: f64 = 10.0;

/// Least number of well-determined coefficients of a group that a variance is divided by.
const LEAST_DETERMINED: f64 = 1e-3;

/// The fit so far: n = own features and r components, M component features.
pub(super) struct State {
    pub own: usize,
    /// `[component feature][component]`: Theta.
    pub theta: Mat<f64>,
    /// `[component, feature][component, feature]`: its posterior covariance.
    pub shape: Mat<f64>,
    /// `[component][group]`: tau.
    pub relevance: Vec<Vec<f64>>,
    /// S.
    pub covariance: Mat<f64>,
    pub precision: Mat<f64>,
    /// `[coefficient]`: posterior mean of mu, its covariance and g.
    pub mean: Vec<f64>,
    pub mean_covariance: Mat<f64>,
    pub mean_variance: Vec<f64>,
    pub own_noise: f64,
    pub common_noise: f64,
    pub steps: usize,
    pub converged: bool,
}

impl State {
    pub(super) fn new(moments: &[Moments], groups: &[usize], components: usize) -> Self {
        let features = groups.len();
        let own = moments[0].mean.len() - features;
        let n = own + components;
        let count = groups.iter().max().map_or(0, |g| g + 1);
        let even = || Mat::from_fn(features, components, |i, k| f64::from(u8::from(i % components == k)));
        Self {
            own,
            theta: start(&moments[0], own, components).unwrap_or_else(even),
            shape: Mat::zeros(features * components, features * components),
            relevance: vec![vec![START; count]; components],
            covariance: diagonal(&vec![START; n]),
            precision: diagonal(&vec![1.0 / START; n]),
            mean: vec![0.0; n],
            mean_covariance: Mat::zeros(n, n),
            mean_variance: vec![START; n],
            own_noise: START_NOISE,
            common_noise: 0.0,
            steps: 0,
            converged: false,
        }
    }

    pub(super) fn climb(
        &mut self,
        patterns: &[Moments],
        groups: &[usize],
        most: usize,
        control: &Control,
    ) -> Result<(), LinearError> {
        for step in 0..most {
            control.check().map_err(|_| LinearError::Cancelled)?;
            control.report(step as f64 / most as f64);
            let before = (self.own_noise, self.spread());
            for _ in 0..INNER_STEPS {
                self.update_mean(patterns);
                self.update_coefficients(patterns);
            }
            self.update_components(patterns, groups, step >= SLOW_STEPS);
            self.steps += 1;
            let still = |a: f64, b: f64, by: f64| (a - b).abs() <= by * b.abs();
            self.converged = step >= FEWEST_STEPS
                && still(self.own_noise, before.0, TOLERANCE)
                && still(self.spread(), before.1, SPREAD_TOLERANCE);
            if self.converged {
                break;
            }
        }
        Ok(())
    }

    /// `[feature][coefficient]`: what turns coefficients into those of the features.
    pub(super) fn loadings(&self) -> Mat<f64> {
        let (features, components) = (self.theta.nrows(), self.theta.ncols());
        Mat::from_fn(self.own + features, self.own + components, |i, k| {
            match (i < self.own, k < self.own) {
                (true, true) => f64::from(u8::from(i == k)),
                (false, false) => self.theta[(i - self.own, k - self.own)],
                _ => 0.0,
            }
        })
    }

    pub(super) fn covariance_of_scores(&self) -> MatRef<'_, f64> {
        self.covariance.as_ref()
    }

    /// Posterior of mu, and g.
    fn update_mean(&mut self, patterns: &[Moments]) {
        let n = self.mean.len();
        let inverses: Vec<f64> = self.mean_variance.iter().map(|g| 1.0 / g).collect();
        let mut precision = diagonal(&inverses);
        let mut right = vec![0.0; n];
        for pattern in patterns {
            let posterior = self.posterior(pattern);
            let noise = self.own_noise + pattern.assets * self.common_noise;
            let seen = times(posterior.loadings.transpose(), &pattern.mean);
            let bent = multiply(posterior.gram.as_ref(), posterior.pull.as_ref());
            let pulled = times(posterior.v1.as_ref(), &seen);
            let pulled = times(posterior.gram.as_ref(), &pulled);
            for i in 0..n {
                right[i] += pattern.assets / noise * (seen[i] - pulled[i] / noise);
                for j in 0..n {
                    precision[(i, j)] += pattern.assets / noise * (posterior.gram[(i, j)] - bent[(i, j)]);
                }
            }
        }
        if let Some(covariance) = inverse(precision.as_ref()) {
            self.mean = times(covariance.as_ref(), &right);
            self.mean_covariance = covariance;
            for (j, g) in self.mean_variance.iter_mut().enumerate() {
                *g = (self.mean[j].powi(2) + self.mean_covariance[(j, j)]).max(LEAST_VARIANCE);
            }
        }
    }

    /// S and the noise variances.
    fn update_coefficients(&mut self, patterns: &[Moments]) {
        let n = self.mean.len();
        let mut sum: Mat<f64> = Mat::zeros(n, n);
        let mut assets = 0.0;
        let (mut own_square, mut own_freedom) = (0.0, 0.0);
        let mut means = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let posterior = self.posterior(pattern);
            let second = self.second(pattern, &posterior);
            let pulled = multiply(
                multiply(posterior.pull.as_ref(), self.mean_covariance.as_ref()).as_ref(),
                posterior.pull.transpose(),
            );
            let w = &posterior.deviation;
            assets += 1.0 + pattern.deviations();
            for i in 0..n {
                for j in 0..n {
                    sum[(i, j)] += pattern.assets * (w[i] * w[j] + pulled[(i, j)])
                        + posterior.v1[(i, j)]
                        + second.deviations[(i, j)];
                }
            }
            let loadings = posterior.loadings.as_ref();
            let inner = multiply(
                multiply(loadings.transpose(), pattern.spread.as_ref()).as_ref(),
                loadings,
            );
            own_square += pattern.deviation_square
                - 2.0 * inner_product(posterior.v2.as_ref(), inner.as_ref()) / self.own_noise
                + inner_product(posterior.gram.as_ref(), second.deviations.as_ref());
            own_freedom += pattern.deviations() * pattern.freedom;
            let seen = times(loadings.transpose(), &pattern.mean);
            let explained: f64 = seen.iter().zip(&posterior.shared).map(|(b, c)| b * c).sum();
            let square = pattern.assets * (pattern.mean_square - 2.0 * explained)
                + inner_product(posterior.gram.as_ref(), second.mean.as_ref());
            means.push((square / pattern.freedom, pattern.freedom, pattern.assets));
        }
        // Few assets say little about correlations: as if one more had none.
        let keep = assets / (assets + 1.0);
        let covariance = Mat::from_fn(n, n, |i, j| {
            sum[(i, j)] / assets * if i == j { 1.0 } else { keep } + if i == j { LEAST_VARIANCE } else { 0.0 }
        });
        if let Some(precision) = inverse(covariance.as_ref()) {
            self.precision = precision;
            self.covariance = covariance;
        }
        (self.own_noise, self.common_noise) = noises((own_square, own_freedom), &means, self.common_noise);
    }

    /// Theta, its covariance and the prior variances of its groups; components end with a mean square of scores of 1.
    fn update_components(&mut self, patterns: &[Moments], groups: &[usize], is_fast: bool) {
        let (features, components, own) = (self.theta.nrows(), self.theta.ncols(), self.own);
        let n = own + components;
        let size = features * components;
        let mut precision: Mat<f64> = Mat::zeros(size, size);
        let mut right = vec![0.0; size];
        for pattern in patterns {
            let posterior = self.posterior(pattern);
            let noise = self.own_noise + pattern.assets * self.common_noise;
            let second = self.second(pattern, &posterior);
            let weights = Mat::from_fn(n, n, |i, j| {
                second.mean[(i, j)] / noise + second.deviations[(i, j)] / self.own_noise
            });
            let inner = pattern.gram.submatrix(own, own, features, features);
            let cross = multiply(
                pattern.gram.submatrix(own, 0, features, own),
                weights.submatrix(0, own, own, components),
            );
            let half = multiply(posterior.loadings.as_ref(), posterior.v2.subcols(own, components));
            let moved = multiply(pattern.spread.subrows(own, features), half.as_ref());
            for a in 0..components {
                let mean = pattern.assets * posterior.shared[own + a] / noise;
                for i in 0..features {
                    right[a * features + i] +=
                        mean * pattern.mean[own + i] + moved[(i, a)] / self.own_noise.powi(2) - cross[(i, a)];
                }
                for c in 0..components {
                    let factor = weights[(own + a, own + c)];
                    for j in 0..features {
                        let from = inner.col(j);
                        let mut to = precision.col_mut(c * features + j);
                        for i in 0..features {
                            to[a * features + i] += factor * from[i];
                        }
                    }
                }
            }
        }
        for a in 0..components {
            for (i, &g) in groups.iter().enumerate() {
                precision[(a * features + i, a * features + i)] += 1.0 / self.relevance[a][g];
            }
        }
        let Some(shape) = inverse(precision.as_ref()) else {
            return;
        };
        let theta = times(shape.as_ref(), &right);
        self.theta = Mat::from_fn(features, components, |i, a| theta[a * features + i]);
        self.shape = shape;
        self.update_relevance(groups, is_fast);
        self.rescale();
    }

    fn update_relevance(&mut self, groups: &[usize], is_fast: bool) {
        let features = groups.len();
        for (a, own) in self.relevance.iter_mut().enumerate() {
            let count = own.len();
            let (mut square, mut variance, mut size) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
            for (i, &g) in groups.iter().enumerate() {
                square[g] += self.theta[(i, a)].powi(2);
                variance[g] += self.shape[(a * features + i, a * features + i)];
                size[g] += 1.0;
            }
            for (g, tau) in own.iter_mut().enumerate() {
                let value = if is_fast {
                    square[g] / ((size[g] - variance[g] / *tau).max(LEAST_DETERMINED) + UNSEEN)
                } else {
                    (square[g] + variance[g]) / (size[g] + UNSEEN)
                };
                *tau = value.max(LEAST_VARIANCE);
            }
        }
    }

    /// The split of a component's size between shape and scores, which returns do not determine.
    fn rescale(&mut self) {
        let (features, components, own) = (self.theta.nrows(), self.theta.ncols(), self.own);
        let mut by = vec![1.0; own + components];
        for a in 0..components {
            let square = self.covariance[(own + a, own + a)] + self.mean[own + a].powi(2);
            by[own + a] = square.sqrt().max(LEAST_VARIANCE);
        }
        let n = own + components;
        self.theta = Mat::from_fn(features, components, |i, a| self.theta[(i, a)] * by[own + a]);
        let shape = &self.shape;
        self.shape = Mat::from_fn(features * components, features * components, |i, j| {
            shape[(i, j)] * by[own + i / features] * by[own + j / features]
        });
        for (a, own_relevance) in self.relevance.iter_mut().enumerate() {
            own_relevance.iter_mut().for_each(|tau| *tau *= by[own + a].powi(2));
        }
        self.covariance = Mat::from_fn(n, n, |i, j| self.covariance[(i, j)] / (by[i] * by[j]));
        self.precision = Mat::from_fn(n, n, |i, j| self.precision[(i, j)] * by[i] * by[j]);
        self.mean_covariance = Mat::from_fn(n, n, |i, j| self.mean_covariance[(i, j)] / (by[i] * by[j]));
        for (j, by) in by.iter().enumerate() {
            self.mean[j] /= by;
            self.mean_variance[j] /= by * by;
        }
    }

    fn spread(&self) -> f64 {
        (0..self.own).map(|j| self.covariance[(j, j)]).sum()
    }
}

/// Inverse of a symmetric positive definite matrix; `None` if it is none.
pub(super) fn inverse(a: MatRef<'_, f64>) -> Option<Mat<f64>> {
    Some(a.llt(Side::Lower).ok()?.inverse())
}

fn diagonal(values: &[f64]) -> Mat<f64> {
    Mat::from_fn(values.len(), values.len(), |i, j| if i == j { values[i] } else { 0.0 })
}

/// Sum of the products of all entries.
fn inner_product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> f64 {
    (0..a.ncols())
        .map(|j| a.col(j).iter().zip(b.col(j).iter()).map(|(x, y)| x * y).sum::<f64>())
        .sum()
}
