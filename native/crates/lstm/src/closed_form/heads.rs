//! Posterior means and covariances of the heads, and the error of such heads on rows that were left out.

use faer::{Accum, Mat, MatRef};

use super::dense::{dot, inner, multiply, product, times_vector, transposed_times_vector};
use super::groups::{Block, GroupReturns};
use super::likelihood::{GroupPosterior, Likelihood, Posterior};
use super::patterns::{Pattern, Returns};

/// The heads of all assets, given features and returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// Posterior means, [asset][feature]; NaN for an asset without returns.
    pub values: Vec<f64>,
    /// Level of the prediction, one an asset: the asset's mean less the head on the mean features, both over its rows.
    /// The standardised prediction is `features' head + intercept`.
    pub intercepts: Vec<f64>,
    /// Posterior covariances, [group][feature][feature], in the order of the patterns.
    pub covariances: Vec<f64>,
}

impl Posterior {
    /// Mean over the assets of one group of their heads.
    fn mean_head(&self, group: &GroupPosterior) -> Vec<f64> {
        let root = (group.assets as f64).sqrt();
        let common: Vec<f64> = self.beta.iter().zip(&self.common_sd).map(|(b, d)| b * d).collect();
        let explained = times_vector(group.gram.as_ref(), &common);
        let left: Vec<f64> = group.cross.iter().zip(explained).map(|(q, g)| q / root - g).collect();
        let shrunk = times_vector(
            group.mean.inverse.as_ref(),
            &transposed_times_vector(self.basis.as_ref(), &left),
        );
        times_vector(self.basis.as_ref(), &shrunk)
            .iter()
            .zip(&common)
            .map(|(w, mu)| mu + w / group.mean_variance)
            .collect()
    }

    /// `J M^-1 J' + B M1^-1 B' / N + (1 - 1/N) B M2^-1 B'`, the covariance of every head of one group.
    fn head_covariance(&self, group: &GroupPosterior) -> Mat<f64> {
        let n = group.assets as f64;
        let mut out = sandwich(group.pull.as_ref(), self.common.inverse.as_ref());
        let mut add = |middle: MatRef<'_, f64>, factor: f64| {
            let part = sandwich(self.basis.as_ref(), middle);
            out += part * faer::Scale(factor);
        };
        add(group.mean.inverse.as_ref(), 1.0 / n);
        if let Some(deviations) = &group.deviations {
            add(deviations.shrink.inverse.as_ref(), 1.0 - 1.0 / n);
        }
        out
    }

    /// Heads of every asset, for the patterns and returns that `likelihood` was made of, on the rows `rows`.
    #[must_use]
    pub fn heads(&self, likelihood: &Likelihood, returns: Returns<'_>, rows: &[usize], patterns: &[Pattern]) -> Heads {
        let size = self.common_sd.len();
        let mut heads = Heads {
            values: vec![f64::NAN; returns.assets * size],
            intercepts: vec![f64::NAN; returns.assets],
            covariances: Vec::with_capacity(patterns.len() * size * size),
        };
        for (index, (pattern, group)) in patterns.iter().zip(&self.groups).enumerate() {
            let (feature_mean, centred, _) = likelihood.group_features(index);
            let mean_head = self.mean_head(group);
            let used: Vec<usize> = rows
                .iter()
                .copied()
                .filter(|row| pattern.rows.binary_search(row).is_ok())
                .collect();
            let own = self.own_heads(group, centred, returns, &used, pattern);
            for (i, &asset) in pattern.assets.iter().enumerate() {
                let head = &mut heads.values[asset * size..(asset + 1) * size];
                for (k, value) in head.iter_mut().enumerate() {
                    *value = mean_head[k] + own[(k, i)];
                }
                let total: f64 = used
                    .iter()
                    .map(|row| returns.values[row * returns.assets + asset])
                    .sum();
                heads.intercepts[asset] = total / used.len() as f64 - dot(head, feature_mean);
            }
            let covariance = self.head_covariance(group);
            heads
                .covariances
                .extend((0..size * size).map(|i| covariance[(i / size, i % size)]));
        }
        heads
    }

    /// B M2^-1 P' dev_i / v2 of every asset of a group, [feature][asset]; `rows` are those that the group has.
    fn own_heads(
        &self,
        group: &GroupPosterior,
        centred: MatRef<'_, f64>,
        returns: Returns<'_>,
        rows: &[usize],
        pattern: &Pattern,
    ) -> Mat<f64> {
        let count = pattern.assets.len();
        let Some(deviations) = &group.deviations else {
            return Mat::zeros(self.common_sd.len(), count);
        };
        let mut values = Mat::from_fn(rows.len(), count, |i, j| {
            returns.values[rows[i] * returns.assets + pattern.assets[j]]
        });
        for i in 0..rows.len() {
            let mean = (0..count).map(|j| values[(i, j)]).sum::<f64>() / count as f64;
            (0..count).for_each(|j| values[(i, j)] -= mean);
        }
        let cross = product(centred.transpose(), values.as_ref());
        let spread = sandwich(self.basis.as_ref(), deviations.shrink.inverse.as_ref());
        let mut out = Mat::zeros(cross.nrows(), count);
        multiply(
            out.as_mut(),
            Accum::Replace,
            spread.as_ref(),
            cross.as_ref(),
            1.0 / self.noise_variance,
        );
        out
    }
}

/// `a middle a'`.
fn sandwich(a: MatRef<'_, f64>, middle: MatRef<'_, f64>) -> Mat<f64> {
    product(product(a, middle).as_ref(), a.transpose())
}

/// Rows that a member leaves out, to score heads that were conditioned on the others.
pub struct HeldOut {
    groups: Vec<HeldOutGroup>,
    observations: f64,
}

struct HeldOutGroup {
    /// Rows of the held-out features.
    rows: Vec<usize>,
    assets: usize,
    /// Group mean, less its mean over the training rows.
    mean: Vec<f64>,
    deviations: Option<HeldOutDeviations>,
}

struct HeldOutDeviations {
    /// S between held-out and training rows.
    block: Block,
    trace: f64,
    scratch: Mat<f64>,
    applied: Mat<f64>,
}

impl HeldOut {
    /// For heads conditioned on the rows `training`, to be scored on the rows `held_out` (both ascending); `rank` is
    /// the number of columns of the prior's basis. Groups without a training row are not scored.
    #[must_use]
    pub fn new(groups: &[GroupReturns], training: &[usize], held_out: &[usize], rank: usize) -> Self {
        let groups: Vec<_> = groups
            .iter()
            .map(|group| HeldOutGroup::new(group, training, held_out, rank))
            .collect();
        let observations = groups.iter().map(|g| g.rows.len() * g.assets).sum::<usize>() as f64;
        Self { groups, observations }
    }

    /// Mean squared error of standardised returns on the held-out rows, whose features are `features` [row][feature];
    /// `posterior` and `likelihood` are those of the training rows. NaN if nothing is observed on the held-out rows.
    pub fn mean_squared_error(
        &mut self,
        features: MatRef<'_, f64>,
        posterior: &Posterior,
        likelihood: &Likelihood,
    ) -> f64 {
        let total: f64 = self
            .groups
            .iter_mut()
            .zip(&posterior.groups)
            .enumerate()
            .filter(|(_, (group, _))| !group.rows.is_empty())
            .map(|(index, (group, state))| group.squared_error(features, posterior, state, likelihood, index))
            .sum();
        total / self.observations
    }
}

impl HeldOutGroup {
    fn new(returns: &GroupReturns, training: &[usize], held_out: &[usize], rank: usize) -> Self {
        let positions = |rows: &[usize]| -> (Vec<usize>, Vec<usize>) {
            returns
                .rows
                .iter()
                .enumerate()
                .filter_map(|(own, row)| rows.binary_search(row).ok().map(|position| (own, position)))
                .unzip()
        };
        let (centre, _) = positions(training);
        let (own, rows) = if centre.is_empty() {
            Default::default()
        } else {
            positions(held_out)
        };
        let level = centre.iter().map(|&i| returns.mean[i]).sum::<f64>() / centre.len().max(1) as f64;
        let deviations = returns
            .deviations
            .as_ref()
            .filter(|_| !own.is_empty())
            .map(|moment| HeldOutDeviations {
                block: moment.centred_block(&own, &centre),
                trace: moment.centred_trace(&own, &centre),
                scratch: moment.scratch(rank),
                applied: Mat::zeros(own.len(), rank),
            });
        Self {
            mean: own.iter().map(|&i| returns.mean[i] - level).collect(),
            rows,
            assets: returns.assets,
            deviations,
        }
    }

    fn squared_error(
        &mut self,
        features: MatRef<'_, f64>,
        posterior: &Posterior,
        state: &GroupPosterior,
        likelihood: &Likelihood,
        index: usize,
    ) -> f64 {
        let (feature_mean, _, projected) = likelihood.group_features(index);
        let centred = Mat::from_fn(self.rows.len(), features.ncols(), |i, k| {
            features[(self.rows[i], k)] - feature_mean[k]
        });
        let fitted = times_vector(centred.as_ref(), &posterior.mean_head(state));
        let mean: f64 = self.mean.iter().zip(&fitted).map(|(y, f)| (y - f) * (y - f)).sum();
        let deviations = match (&mut self.deviations, &state.deviations) {
            (Some(held), Some(known)) => {
                held.block.apply(projected, &mut held.scratch, held.applied.as_mut());
                let here = product(centred.as_ref(), posterior.basis.as_ref());
                // P_v M2^-1 / v2, the linear map from P'dev to fitted values.
                let mut map = product(here.as_ref(), known.shrink.inverse.as_ref());
                map *= faer::Scale(1.0 / posterior.noise_variance);
                let square = product(map.as_ref(), known.square.as_ref());
                held.trace - 2.0 * inner(map.as_ref(), held.applied.as_ref()) + inner(square.as_ref(), map.as_ref())
            }
            _ => 0.0,
        };
        self.assets as f64 * mean + deviations
    }
}
