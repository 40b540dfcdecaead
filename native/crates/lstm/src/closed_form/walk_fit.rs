//! Fits heads that walk: variances of the steps by likelihood, pooled over assets, and the heads after the last row.
//! Derivation: docs/derivations/kalman_heads.md.

use std::collections::BTreeMap;

use faer::{Mat, Scale};

use super::dense::{dot, product};
use super::heads::Heads;
use super::patterns::{Pattern, Returns};
use super::prior::Prior;
use super::walk::{WalkModel, WalkRows, WalkState, filter};

/// Variance of a monthly step as a share of the variance of heads between assets: 0, then fourfold from the first. The
/// last lets a head walk through the whole cross-section in 50 rows; nothing faster can be told from noise.
const SHARES: [f64; 7] = [0.0, 2e-5, 8e-5, 3.2e-4, 1.28e-3, 5.12e-3, 0.02];
/// Log-likelihood that a step variance must gain over a smaller one.
const EVIDENCE: f64 = 2.0;
/// Assets that the search for own variances looks at.
const SEARCH_ASSETS: usize = 400;
/// Smallest share of an asset's noise that is left beside its group's mean.
const LEAST_LEFT: f64 = 1e-3;

/// Assets that are observed on the same rows with noise of about the same size: they share a covariance recursion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WalkGroups {
    /// Group of each asset; -1 for none.
    pub asset_group: Vec<i32>,
    /// Whether the group's assets are observed, `[group][row]`.
    pub observed: Vec<u8>,
    /// Noise variance of the group's assets over the one of the prior.
    pub noise_ratio: Vec<f64>,
}

/// How one member's heads walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Walks {
    /// The mean over assets.
    pub common: WalkModel,
    /// Every asset's deviation from it.
    pub own: WalkModel,
    /// Variance of an asset's own residual, and of the one that all share.
    pub noise_variance: f64,
    /// See `noise_variance`.
    pub shared_variance: f64,
    /// Standardised return of each asset at the mean features.
    pub levels: Vec<f64>,
    /// Share of each asset in the residual of all.
    pub shares: Vec<f64>,
}

impl WalkGroups {
    /// Groups by the rows of `patterns` and by the noise of each asset, in halves and doubles of the prior's.
    #[must_use]
    pub fn new(patterns: &[Pattern], noise_ratio: &[f64], rows: usize) -> Self {
        let mut groups = BTreeMap::<(usize, i32), Vec<usize>>::new();
        for (index, pattern) in patterns.iter().enumerate() {
            for &asset in pattern.assets.iter().filter(|&&asset| noise_ratio[asset].is_finite()) {
                groups
                    .entry((index, noise_ratio[asset].log2().round() as i32))
                    .or_default()
                    .push(asset);
            }
        }
        let mut out = Self {
            asset_group: vec![-1; noise_ratio.len()],
            ..Self::default()
        };
        for (group, ((pattern, halves), assets)) in (0..).zip(groups) {
            assets.iter().for_each(|&asset| out.asset_group[asset] = group);
            out.noise_ratio.push(f64::from(halves).exp2());
            let mut observed = vec![0; rows];
            patterns[pattern].rows.iter().for_each(|&row| observed[row] = 1);
            out.observed.extend(observed);
        }
        out
    }

    /// Groups.
    #[must_use]
    pub fn count(&self) -> usize {
        self.noise_ratio.len()
    }

    /// Assets of a group.
    #[must_use]
    pub fn members(&self, group: usize) -> Vec<usize> {
        (0..self.asset_group.len())
            .filter(|&asset| self.asset_group[asset] == group as i32)
            .collect()
    }

    fn seen(&self, group: usize, row: usize) -> bool {
        self.observed[group * self.observed.len() / self.count() + row] == 1
    }
}

/// One member's data for filters: features, returns, and the mean over assets once it is filtered.
pub struct WalkData<'a> {
    /// `[row][feature]`, less their mean.
    pub features: &'a [f64],
    /// Standardised.
    pub returns: Returns<'a>,
    /// Groups of the assets.
    pub groups: &'a WalkGroups,
    /// Mean over observed assets of what their levels leave, and how many there are, one a row.
    mean: Vec<f64>,
    counts: Vec<f64>,
    /// Rows that filters go through.
    rows: usize,
}

/// The filtered mean over assets: what it explains and what it leaves, one a row.
pub struct CommonPath {
    fitted: Vec<f64>,
    residual: Vec<f64>,
}

impl<'a> WalkData<'a> {
    /// For the returns on all rows of `features`.
    #[must_use]
    pub fn new(features: &'a [f64], returns: Returns<'a>, groups: &'a WalkGroups, levels: &[f64]) -> Self {
        let rows = returns.values.len() / returns.assets;
        let (mut mean, mut counts) = (vec![0.0; rows], vec![0.0; rows]);
        for (asset, &group) in groups.asset_group.iter().enumerate() {
            let Ok(group) = usize::try_from(group) else { continue };
            for row in (0..rows).filter(|&row| groups.seen(group, row)) {
                mean[row] += returns.values[row * returns.assets + asset] - levels[asset];
                counts[row] += 1.0;
            }
        }
        mean.iter_mut()
            .zip(&counts)
            .for_each(|(sum, count)| *sum /= f64::max(*count, 1.0));
        Self {
            features,
            returns,
            groups,
            mean,
            counts,
            rows,
        }
    }

    fn size(&self) -> usize {
        self.features.len() / self.mean.len()
    }

    /// The same, filtered through the first `rows` rows alone.
    fn first(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    /// Filters the mean over assets.
    pub fn common(
        &self,
        walks: &Walks,
        model: &WalkModel,
        mut seen: impl FnMut(usize, &WalkState),
    ) -> (CommonPath, f64) {
        let noise: Vec<f64> = self.counts[..self.rows]
            .iter()
            .map(|&count| match count {
                0.0 => f64::NAN,
                _ => walks.shared_variance + walks.noise_variance / count,
            })
            .collect();
        let mut fitted = vec![0.0; self.mean.len()];
        let rows = WalkRows {
            features: self.features,
            noise: &noise,
        };
        let size = self.size();
        let loss = filter(
            model,
            rows,
            1,
            |row, out| out[0] = self.mean[row],
            |row, state| {
                fitted[row] = dot(&state.heads, &self.features[row * size..(row + 1) * size]);
                seen(row, state);
            },
        );
        let residual = self.mean.iter().zip(&fitted).map(|(y, f)| y - f).collect();
        (CommonPath { fitted, residual }, loss)
    }

    /// Filters the deviations of `assets`, all of one group.
    pub fn own(
        &self,
        walks: &Walks,
        model: &WalkModel,
        common: &CommonPath,
        (group, assets): (usize, &[usize]),
        seen: impl FnMut(usize, &WalkState),
    ) -> f64 {
        let noise: Vec<f64> = (0..self.rows)
            .map(|row| match self.groups.seen(group, row) {
                false => f64::NAN,
                true => {
                    let left = (1.0 - 1.0 / self.counts[row]).max(LEAST_LEFT);
                    walks.noise_variance * self.groups.noise_ratio[group] * left
                }
            })
            .collect();
        let values = |row: usize, out: &mut [f64]| {
            for (value, &asset) in out.iter_mut().zip(assets) {
                let explained = walks.levels[asset] + common.fitted[row] + walks.shares[asset] * common.residual[row];
                *value = self.returns.values[row * self.returns.assets + asset] - explained;
            }
        };
        let rows = WalkRows {
            features: self.features,
            noise: &noise,
        };
        filter(model, rows, assets.len(), values, seen)
    }
}

/// What [`fit_walks`] learns from.
pub struct WalkSource<'a> {
    /// Features of all rows, `[row][feature]`, less `feature_mean`.
    pub features: &'a [f64],
    /// See `features`.
    pub feature_mean: &'a [f64],
    /// Standardised, on all rows.
    pub returns: Returns<'a>,
    /// Groups of the assets.
    pub groups: &'a WalkGroups,
    /// The trained prior.
    pub prior: &'a Prior,
    /// Leading rows that variances are estimated from.
    pub train_rows: usize,
}

/// Estimates one member's walks and replaces its heads, which stand still, by those after the last row.
#[must_use]
pub fn fit_walks(source: &WalkSource<'_>, heads: &mut Heads) -> Walks {
    let WalkSource {
        features,
        feature_mean,
        returns,
        groups,
        prior,
        train_rows,
    } = *source;
    let (size, factors) = (prior.features(), prior.log_direct.len());
    let assets = groups.asset_group.iter().filter(|&&group| group >= 0).count();
    let levels: Vec<f64> = (0..returns.assets)
        .map(|i| heads.intercepts[i] + dot(&heads.values[i * size..(i + 1) * size], feature_mean))
        .collect();
    let basis = prior.basis();
    let between = product(basis.as_ref(), basis.transpose());
    let common_sd: Vec<f64> = prior.common_sd().collect();
    let mut common = between.clone() * Scale(1.0 / assets as f64);
    (0..size).for_each(|k| common[(k, k)] += common_sd[k].powi(2));
    let spread = |of: &Mat<f64>| (0..factors).map(|j| of[(j, j)]).collect::<Vec<f64>>();
    let (common_scale, own_scale) = (spread(&common), spread(&between));
    let mut walks = Walks {
        common: WalkModel {
            start: common,
            step: vec![0.0; factors],
        },
        own: WalkModel {
            start: between * Scale(1.0 - 1.0 / assets as f64),
            step: vec![0.0; factors],
        },
        noise_variance: prior.noise_variance(),
        shared_variance: (2.0 * prior.log_shared_noise).exp(),
        shares: heads.shares.clone(),
        levels,
    };
    let data = WalkData::new(features, returns, groups, &walks.levels).first(train_rows);
    walks.common.step = search(&common_scale, |step| {
        let model = WalkModel {
            step: step.to_vec(),
            ..walks.common.clone()
        };
        data.common(&walks, &model, |_, _| ()).1
    });
    let (path, _) = data.common(&walks, &walks.common, |_, _| ());
    let sample = searched(groups);
    walks.own.step = search(&own_scale, |step| {
        let model = WalkModel {
            step: step.to_vec(),
            ..walks.own.clone()
        };
        let losses = sample
            .iter()
            .map(|(group, assets)| data.own(&walks, &model, &path, (*group, assets), |_, _| ()));
        losses.sum()
    });
    last_heads(&WalkData::new(features, returns, groups, &walks.levels), &walks, heads);
    walks
}

/// Groups and assets whose likelihood is searched: all, or every so many of a large universe.
fn searched(groups: &WalkGroups) -> Vec<(usize, Vec<usize>)> {
    let stride = groups.asset_group.len().div_ceil(SEARCH_ASSETS);
    (0..groups.count())
        .map(|group| (group, groups.members(group).into_iter().step_by(stride).collect()))
        .collect()
}

/// Step variances with the smallest loss: one share of `scale` for all factors, then factor by factor.
fn search(scale: &[f64], mut loss: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut places = vec![0; scale.len()];
    let step = |places: &[usize]| -> Vec<f64> { places.iter().zip(scale).map(|(&p, s)| SHARES[p] * s).collect() };
    let mut best = loss(&step(&places));
    for place in 1..SHARES.len() {
        let together = vec![place; scale.len()];
        let here = loss(&step(&together));
        if here < best - EVIDENCE {
            (best, places) = (here, together);
        }
    }
    for j in 0..scale.len() {
        for place in [0, places[j].saturating_sub(1), (places[j] + 1).min(SHARES.len() - 1)] {
            let mut moved = places.clone();
            moved[j] = place;
            let here = loss(&step(&moved));
            // A smaller variance needs no evidence.
            if here < best - if place > places[j] { EVIDENCE } else { 0.0 } {
                (best, places) = (here, moved);
            }
        }
    }
    step(&places)
}

/// Heads and covariances after the last row; the group's covariance is all that a head has.
fn last_heads(data: &WalkData<'_>, walks: &Walks, heads: &mut Heads) {
    let size = data.size();
    let mut mean = WalkState::new(&walks.common, 1);
    let (path, _) = data.common(walks, &walks.common, |_, state| mean.clone_from(state));
    heads.covariances.clear();
    heads.bases.clear();
    heads.variances = vec![f64::NAN; data.groups.asset_group.len()];
    for group in 0..data.groups.count() {
        let assets = data.groups.members(group);
        let mut last = WalkState::new(&walks.own, assets.len());
        data.own(walks, &walks.own, &path, (group, &assets), |_, state| {
            last.clone_from(state)
        });
        for (series, &asset) in assets.iter().enumerate() {
            let head = last.head(series);
            let out = &mut heads.values[asset * size..(asset + 1) * size];
            out.iter_mut()
                .zip(head.iter().zip(&mean.heads))
                .for_each(|(c, (d, m))| *c = d + m);
            heads.variances[asset] = 1.0;
        }
        let total = &mean.covariance + &last.covariance;
        heads
            .covariances
            .extend((0..size * size).map(|i| total[(i / size, i % size)]));
    }
}
