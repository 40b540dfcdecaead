//! Heads on a few learned components of many features: variational Bayes with automatic relevance determination.
//!
//!   y_it = a_i + x_t'b_i + (Theta'phi_t)'s_i + common_t + own_it,   [b_i ; s_i] = mu + w_i,   w_i ~ N(0, S),
//!   mu_j ~ N(0, g_j),   Theta_mk ~ N(0, tau_k,group(m))
//!
//! x are features with a coefficient of every asset's own, phi those that enter through r components which all assets share:
//! the shape of an effect (a threshold, a product, a lag profile) is learned from all of them, how much of it an asset has is
//! its own. Formulae and sources: docs/methods/pooled_features.md.

mod climb;
mod independence;
mod posterior;
mod start;

use faer::{Mat, MatRef};
use macrograd_simd::Control;

use super::moments::Pattern;
use super::{HeadOptions, PooledHeads, Rank, usable_patterns};
use crate::{LinearError, Panel};
use climb::State;
use independence::effective_share;

/// Options of [`component_heads`].
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentOptions {
    /// `[feature]`: 0 = a coefficient of every asset's own; from 1 on the feature's group, in which it enters the components
    /// with the same prior variance. Groups are numbered without a gap.
    pub group: Vec<u32>,
    /// `[feature]`: what the feature is multiplied by before that variance holds; above 0.
    pub scale: Vec<f64>,
    /// Components, r.
    pub components: usize,
    /// Most steps.
    pub max_steps: usize,
    /// Fewest returns of an asset.
    pub min_observations: usize,
}

/// Moments of a pattern in the features of the fit, own ones first.
pub(super) struct Moments {
    pub assets: f64,
    /// Independent deviations from the assets' mean, as a share of N - 1.
    pub share: f64,
    pub freedom: f64,
    /// `[feature][feature]`.
    pub gram: Mat<f64>,
    /// `[feature]`: features times the assets' mean return.
    pub mean: Vec<f64>,
    pub mean_square: f64,
    /// Sum over assets of the outer product of features times deviation.
    pub spread: Mat<f64>,
    pub deviation_square: f64,
}

/// Linear map from the features of the fit to the panel's: heads = map times fitted coefficients.
struct Map {
    /// `[panel's feature][fitted one]`.
    back: Mat<f64>,
}

/// Posterior means and covariances of all assets' coefficients on all features, those of components multiplied out.
///
/// The panel's columns are the features, without a constant; returns should be of one size. Component features are taken
/// less their regression on the own ones, so that a component says what these do not.
///
/// # Errors
/// `ShapeMismatch`, `BadOption` or `Cancelled`.
pub fn component_heads(
    panel: &Panel,
    options: &ComponentOptions,
    control: &Control,
) -> Result<PooledHeads, LinearError> {
    check(panel, options)?;
    let k = panel.columns;
    let plain = HeadOptions {
        block: options.group.clone(),
        ridge: false,
        correlation: 1.0,
        max_steps: options.max_steps,
        min_observations: options.min_observations,
        rank: Rank::Fixed(options.components),
    };
    let (patterns, leading) = usable_patterns(panel, &plain);
    let mut out = PooledHeads {
        rank: Some(options.components),
        ..PooledHeads::unfitted(panel)
    };
    if patterns.is_empty() {
        return Ok(out);
    }
    let map = Map::new(panel, options);
    let moments: Vec<Moments> = patterns
        .iter()
        .map(|pattern| map.moments(pattern, effective_share(panel, pattern)))
        .collect();
    // Of the component features.
    let groups: Vec<usize> = options
        .group
        .iter()
        .filter(|&&g| g > 0)
        .map(|&g| g as usize - 1)
        .collect();
    let mut state = State::new(&moments[..leading], &groups, options.components);
    state.climb(&moments[..leading], &groups, options.max_steps, control)?;
    let loadings = state.loadings();
    let whole = multiply(map.back.as_ref(), loadings.as_ref());
    for (at, (pattern, moments)) in patterns.iter().zip(&moments).enumerate() {
        control.check().map_err(|_| LinearError::Cancelled)?;
        let posterior = state.posterior(moments);
        for (local, &asset) in pattern.assets.iter().enumerate() {
            let own = map.forward(&pattern.deviation_moments[local * k..(local + 1) * k]);
            let scores = posterior.scores(&state, &own);
            let head = times(whole.as_ref(), &scores);
            out.offsets[asset] = pattern.offset(local, &head);
            out.heads[asset * k..(asset + 1) * k].copy_from_slice(&head);
            out.pattern[asset] = at as i32;
        }
        let covariance = state.covariance(moments, &posterior, loadings.as_ref());
        let turned = multiply(
            multiply(map.back.as_ref(), covariance.as_ref()).as_ref(),
            map.back.transpose(),
        );
        out.covariance.extend((0..k * k).map(|at| turned[(at / k, at % k)]));
    }
    out.mean = times(whole.as_ref(), &state.mean);
    let around = multiply(
        multiply(whole.as_ref(), state.covariance_of_scores()).as_ref(),
        whole.transpose(),
    );
    out.spread = (0..k).map(|j| around[(j, j)]).collect();
    out.noise = (state.own_noise, state.common_noise);
    out.steps = state.steps;
    out.converged = state.converged;
    control.report(1.0);
    Ok(out)
}

impl Moments {
    /// Independent deviations from the assets' mean.
    pub fn deviations(&self) -> f64 {
        self.share * (self.assets - 1.0)
    }
}

impl Map {
    fn new(panel: &Panel, options: &ComponentOptions) -> Self {
        let k = panel.columns;
        let mut order: Vec<usize> = (0..k).filter(|&j| options.group[j] == 0).collect();
        let own = order.len();
        order.extend((0..k).filter(|&j| options.group[j] > 0));
        let scale = |j: usize| {
            if options.group[j] == 0 { 1.0 } else { options.scale[j] }
        };
        let means: Vec<f64> = (0..k)
            .map(|j| (0..panel.rows).map(|row| panel.design_row(row)[j]).sum::<f64>() / panel.rows as f64)
            .collect();
        let centred = Mat::from_fn(panel.rows, k, |row, at| {
            let j = order[at];
            scale(j) * (panel.design_row(row)[j] - means[j])
        });
        let x = centred.subcols(0, own);
        let gram = multiply(x.transpose(), x);
        let cross = multiply(x.transpose(), centred.subcols(own, k - own));
        let size = (0..own).fold(0.0_f64, |most, j| most.max(gram[(j, j)]));
        // Collinear own features share what lies in both.
        let ridged = Mat::from_fn(own, own, |i, j| gram[(i, j)] + if i == j { 1e-9 * size } else { 0.0 });
        let slopes = climb::inverse(ridged.as_ref()).map(|inverse| multiply(inverse.as_ref(), cross.as_ref()));
        let mut back = Mat::zeros(k, k);
        for (at, &j) in order.iter().enumerate() {
            back[(j, at)] = scale(j);
        }
        if let Some(slopes) = slopes {
            for (i, &j) in order[..own].iter().enumerate() {
                for at in own..k {
                    back[(j, at)] = -slopes[(i, at - own)];
                }
            }
        }
        Self { back }
    }

    /// Moments of the panel's features as those of the fit's.
    fn forward(&self, moments: &[f64]) -> Vec<f64> {
        times(self.back.transpose(), moments)
    }

    fn moments(&self, pattern: &Pattern, share: f64) -> Moments {
        let k = self.back.nrows();
        let square = |values: &[f64]| Mat::from_fn(k, k, |i, j| values[i * k + j]);
        let turned = |values: &Mat<f64>| {
            multiply(
                multiply(self.back.transpose(), values.as_ref()).as_ref(),
                self.back.as_ref(),
            )
        };
        let deviations = Mat::from_fn(k, pattern.assets.len(), |j, i| pattern.deviation_moments[i * k + j]);
        let spread = multiply(deviations.as_ref(), deviations.transpose());
        Moments {
            assets: pattern.assets.len() as f64,
            share,
            freedom: pattern.freedom,
            gram: turned(&square(&pattern.gram)),
            mean: self.forward(&pattern.mean_moment),
            mean_square: pattern.mean_square,
            spread: turned(&(faer::Scale(share) * &spread)),
            deviation_square: share * pattern.deviation_square,
        }
    }
}

fn check(panel: &Panel, options: &ComponentOptions) -> Result<(), LinearError> {
    for (name, actual) in [("group", options.group.len()), ("scale", options.scale.len())] {
        if actual != panel.columns {
            let expected = panel.columns;
            return Err(LinearError::ShapeMismatch { name, expected, actual });
        }
    }
    let features = options.group.iter().filter(|&&g| g > 0).count();
    if options.components == 0 || options.components > features {
        return Err(LinearError::BadOption {
            name: "components",
            value: options.components as f64,
            remedy: "give 1 to the number of features in groups",
        });
    }
    if features == panel.columns {
        return Err(LinearError::BadOption {
            name: "group",
            value: 0.0,
            remedy: "at least one feature needs a coefficient of every asset's own",
        });
    }
    if let Some(&value) = options.scale.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        let remedy = "give finite numbers above 0";
        return Err(LinearError::BadOption {
            name: "scale",
            value,
            remedy,
        });
    }
    Ok(())
}

/// a b.
pub(super) fn multiply(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    faer::linalg::matmul::matmul(out.as_mut(), faer::Accum::Replace, a, b, 1.0, faer::Par::Seq);
    out
}

/// a x.
pub(super) fn times(a: MatRef<'_, f64>, x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.nrows()];
    for (j, &factor) in x.iter().enumerate() {
        for (out, a) in out.iter_mut().zip(a.col(j).iter()) {
            *out += factor * a;
        }
    }
    out
}
