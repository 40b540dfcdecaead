use macrograd_simd::Control;

use super::KalmanModel;
use super::likelihood::{KalmanLikelihood, pooled};
use crate::maximise::{GRADIENT_TOLERANCE, Maximum, maximise_to};
use crate::panel::Group;
use crate::{LinearError, Panel};

/// Smallest and largest variance that is searched, in units of the noise variance.
const SEARCHED: (f64, f64) = (1e-10, 1e4);

/// Values that every group of variances starts from.
const STARTS: [f64; 4] = [1e-5, 3e-4, 1e-2, 0.3];

/// Best starts that are followed to their maximum.
const FOLLOWED: usize = 2;

/// Larger variances are not tried at 0 where one asset is searched: over some hundred rows such a walk is plain to see.
const PLAIN: f64 = 1e-3;

/// Gradient by the logarithms, over 1 + |log-likelihood|, at which one asset's search ends: what is left is worth some
/// 10^-6 of log-likelihood.
const ROUGH: f64 = 1e-6;

/// A start is not below this: the slope by the logarithm of a variance of 0 is 0.
const LEAST_START: f64 = 1e-6;

/// A variance is 0 if that costs less log-likelihood than this.
const BOUNDARY_LOSS: f64 = 1e-4;

/// Patterns of missing rows that the likelihood uses: those with the most returns. More hardly sharpen a handful of
/// variances, and each costs a covariance recursion a step.
const MAX_PATTERNS: usize = 48;

/// Which variances are estimated, and which are one and the same.
#[derive(Debug, Clone, PartialEq)]
pub struct KalmanSearch {
    /// Values of everything that is not estimated.
    pub model: KalmanModel,
    /// `[column]`: number of the parameter that gives the step variance; `None` = as in `model`.
    pub step_parameter: Vec<Option<usize>>,
    /// `[column]`: number of the parameter that gives the initial variance; `None` = as in `model`.
    pub initial_parameter: Vec<Option<usize>>,
    /// `[column]`: the initial variance is the one that a reverting coefficient settles at, step variance over
    /// 1 - transition^2; `initial_parameter` is not read there.
    pub stationary: Vec<bool>,
}

impl KalmanSearch {
    /// What a column's step variance is multiplied with for its settled variance.
    fn settled(&self, column: usize) -> f64 {
        1.0 / (1.0 - self.model.transition[column].powi(2))
    }

    /// Parameters that a model has; 0 for one that no column reads.
    pub(super) fn values_of(&self, model: &KalmanModel) -> Vec<f64> {
        let mut values = vec![0.0; self.parameters()];
        let steps = self.step_parameter.iter().zip(&model.step_variance);
        for (parameter, value) in steps.chain(self.initial_parameter.iter().zip(&model.initial_variance)) {
            if let Some(parameter) = parameter {
                values[*parameter] = *value;
            }
        }
        values
    }

    fn parameters(&self) -> usize {
        let all = self.step_parameter.iter().chain(&self.initial_parameter);
        all.flatten().max().map_or(0, |largest| largest + 1)
    }
}

/// Variances at the maximum of the pooled likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct KalmanVariances {
    /// The model with the estimates filled in; 0 where the boundary is the maximum.
    pub model: KalmanModel,
    /// Likelihood and score there.
    pub at: KalmanLikelihood,
    /// Likelihoods computed.
    pub evaluations: usize,
    /// Whether the score vanished (for estimates at 0: points below 0).
    pub converged: bool,
}

/// Maximum-likelihood variances, from many starts, by BFGS on their logarithms with the exact score.
///
/// A logarithm never reaches 0: each estimate is tried there, and stays if the likelihood does not fall and does not
/// rise again next to it.
///
/// # Errors
/// `ShapeMismatch` or `BadOption` for a model that does not fit, `Cancelled`.
pub fn kalman_variances(
    panel: &Panel,
    search: &KalmanSearch,
    control: &Control,
) -> Result<KalmanVariances, LinearError> {
    search.model.check(panel)?;
    let expected = panel.columns;
    for (name, actual) in [
        ("step_parameter", search.step_parameter.len()),
        ("initial_parameter", search.initial_parameter.len()),
        ("stationary", search.stationary.len()),
    ] {
        if actual != expected {
            return Err(LinearError::ShapeMismatch { name, expected, actual });
        }
    }
    for (column, _) in search.stationary.iter().enumerate().filter(|(_, own)| **own) {
        let value = search.model.transition[column];
        if value.abs() >= 1.0 {
            let (name, remedy) = ("transition", "a stationary coefficient needs a value inside (-1, 1)");
            return Err(LinearError::BadOption { name, value, remedy });
        }
    }
    let mut groups = panel.groups(0..panel.assets, usize::MAX);
    let weight = |group: &Group| group.assets.len() * group.observed.iter().filter(|&&seen| seen).count();
    groups.sort_by_key(|group| std::cmp::Reverse(weight(group)));
    groups.truncate(MAX_PATTERNS);
    Climb::new(panel, groups, search, control).run()
}

/// A search on some patterns of missing rows.
pub(super) struct Climb<'a> {
    panel: &'a Panel<'a>,
    groups: Vec<Group>,
    search: &'a KalmanSearch,
    control: &'a Control,
    rough: bool,
}

impl<'a> Climb<'a> {
    pub(super) fn new(
        panel: &'a Panel<'a>,
        groups: Vec<Group>,
        search: &'a KalmanSearch,
        control: &'a Control,
    ) -> Self {
        Self {
            panel,
            groups,
            search,
            control,
            rough: false,
        }
    }

    /// From starts of one size for every parameter, the best of which are followed.
    pub(super) fn run(&self) -> Result<KalmanVariances, LinearError> {
        let count = self.search.parameters();
        let sizes = STARTS.iter().take(if count == 0 { 1 } else { STARTS.len() });
        self.follow(sizes.map(|&start| vec![start; count]).collect(), FOLLOWED)
    }

    /// From those and from one that is near, roughly: only the best is followed.
    pub(super) fn run_from(mut self, near: &[f64]) -> Result<KalmanVariances, LinearError> {
        self.rough = true;
        let mut starts = vec![near.iter().map(|value| value.max(LEAST_START)).collect()];
        starts.extend(STARTS.iter().map(|&start| vec![start; near.len()]));
        self.follow(starts, 1)
    }

    fn follow(&self, starts: Vec<Vec<f64>>, followed: usize) -> Result<KalmanVariances, LinearError> {
        let mut evaluations = 0;
        let mut ranked = Vec::with_capacity(starts.len());
        for at in starts {
            ranked.push((self.likelihood(&at)?.log_likelihood, at));
            evaluations += 1;
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let count = self.search.parameters();
        let mut best: Option<Maximum> = None;
        for (_, start) in ranked.into_iter().take(followed) {
            let found = self.climb(&start, &vec![true; count])?;
            evaluations += found.evaluations;
            if best.as_ref().is_none_or(|best| found.value > best.value) {
                best = Some(found);
            }
        }
        let Some(best) = best else {
            return self.result(Vec::new(), evaluations, true);
        };
        let values: Vec<f64> = best.at.iter().map(|x| x.exp()).collect();
        let (values, more) = self.drop_to_zero(values, best.value)?;
        evaluations += more;
        // What is left is polished with the zeros in place, where they leave a slope.
        let free: Vec<bool> = values.iter().map(|&value| value > 0.0).collect();
        if free.iter().all(|&free| free) || (self.rough && self.is_level(&values)?) {
            return self.result(values, evaluations + 1, best.converged);
        }
        let polished = self.climb(&values, &free)?;
        let logs = polished.at.iter().zip(&free);
        let values = logs.map(|(x, &free)| if free { x.exp() } else { 0.0 }).collect();
        self.result(values, evaluations + polished.evaluations, polished.converged)
    }

    fn tolerance(&self) -> f64 {
        if self.rough { ROUGH } else { GRADIENT_TOLERANCE }
    }

    /// No slope by the logarithms that a search would follow.
    fn is_level(&self, values: &[f64]) -> Result<bool, LinearError> {
        let at = self.likelihood(values)?;
        let limit = self.tolerance() * (1.0 + at.log_likelihood.abs());
        let slopes = self
            .score(&at)
            .into_iter()
            .zip(values)
            .map(|(score, value)| score * value);
        Ok(slopes.fold(0.0_f64, |most, slope| most.max(slope.abs())) <= limit)
    }

    /// Sets to 0, one after the other, what is worth nothing.
    fn drop_to_zero(&self, mut values: Vec<f64>, mut value: f64) -> Result<(Vec<f64>, usize), LinearError> {
        let plain = if self.rough { PLAIN } else { f64::INFINITY };
        let mut order: Vec<usize> = (0..values.len()).filter(|&at| values[at] < plain).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        for &parameter in &order {
            let old = std::mem::replace(&mut values[parameter], 0.0);
            let at = self.likelihood(&values)?;
            if at.log_likelihood < value - BOUNDARY_LOSS || !at.log_likelihood.is_finite() {
                values[parameter] = old;
            } else {
                value = value.max(at.log_likelihood);
            }
        }
        Ok((values, order.len()))
    }

    /// Climbs in the logarithms of the free parameters; the others stay.
    fn climb(&self, start: &[f64], free: &[bool]) -> Result<Maximum, LinearError> {
        let logs: Vec<f64> = start.iter().map(|x| x.max(SEARCHED.0).ln()).collect();
        let bounds = (SEARCHED.0.ln(), SEARCHED.1.ln());
        maximise_to(self.tolerance(), &logs, bounds, |logs| {
            let values: Vec<f64> = logs
                .iter()
                .zip(free)
                .map(|(x, &free)| if free { x.exp() } else { 0.0 })
                .collect();
            let at = self.likelihood(&values)?;
            let score = self.score(&at);
            Ok((
                at.log_likelihood,
                score.iter().zip(&values).map(|(score, value)| score * value).collect(),
            ))
        })
    }

    fn model(&self, values: &[f64]) -> KalmanModel {
        let mut model = self.search.model.clone();
        let fill = |out: &mut [f64], parameters: &[Option<usize>]| {
            for (out, parameter) in out.iter_mut().zip(parameters) {
                if let Some(parameter) = parameter {
                    *out = values[*parameter];
                }
            }
        };
        fill(&mut model.step_variance, &self.search.step_parameter);
        fill(&mut model.initial_variance, &self.search.initial_parameter);
        for (column, _) in self.search.stationary.iter().enumerate().filter(|(_, own)| **own) {
            model.initial_variance[column] = self.search.settled(column) * model.step_variance[column];
        }
        model
    }

    fn likelihood(&self, values: &[f64]) -> Result<KalmanLikelihood, LinearError> {
        pooled(self.panel, &self.groups, &self.model(values), self.control)
    }

    /// Derivative by each parameter.
    fn score(&self, at: &KalmanLikelihood) -> Vec<f64> {
        let mut score = vec![0.0; self.search.parameters()];
        for column in 0..self.panel.columns {
            if let Some(parameter) = self.search.step_parameter[column] {
                score[parameter] += at.step_score[column];
                if self.search.stationary[column] {
                    score[parameter] += self.search.settled(column) * at.initial_score[column];
                }
            }
            if let Some(parameter) = self.search.initial_parameter[column].filter(|_| !self.search.stationary[column]) {
                score[parameter] += at.initial_score[column];
            }
        }
        score
    }

    fn result(&self, values: Vec<f64>, evaluations: usize, converged: bool) -> Result<KalmanVariances, LinearError> {
        let at = self.likelihood(&values)?;
        Ok(KalmanVariances {
            model: self.model(&values),
            at,
            evaluations: evaluations + 1,
            converged,
        })
    }
}
