use macrograd_simd::Control;

use super::KalmanModel;
use super::likelihood::{KalmanLikelihood, pooled};
use crate::maximise::{Maximum, maximise};
use crate::panel::Group;
use crate::{LinearError, Panel};

/// Smallest and largest variance that is searched, in units of the noise variance.
const SEARCHED: (f64, f64) = (1e-10, 1e4);

/// Values that every group of variances starts from.
const STARTS: [f64; 4] = [1e-5, 3e-4, 1e-2, 0.3];

/// Best starts that are followed to their maximum.
const FOLLOWED: usize = 2;

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
    ] {
        if actual != expected {
            return Err(LinearError::ShapeMismatch { name, expected, actual });
        }
    }
    let mut groups = panel.groups(0..panel.assets, usize::MAX);
    let weight = |group: &Group| group.assets.len() * group.observed.iter().filter(|&&seen| seen).count();
    groups.sort_by_key(|group| std::cmp::Reverse(weight(group)));
    groups.truncate(MAX_PATTERNS);
    let climb = Climb {
        panel,
        groups,
        search,
        control,
    };
    climb.run()
}

struct Climb<'a> {
    panel: &'a Panel<'a>,
    groups: Vec<Group>,
    search: &'a KalmanSearch,
    control: &'a Control,
}

impl Climb<'_> {
    fn run(&self) -> Result<KalmanVariances, LinearError> {
        let count = self.parameters();
        let mut evaluations = 0;
        let mut starts = Vec::new();
        for start in STARTS.iter().take(if count == 0 { 1 } else { STARTS.len() }) {
            let at = vec![*start; count];
            starts.push((self.likelihood(&at)?.log_likelihood, at));
            evaluations += 1;
        }
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut best: Option<Maximum> = None;
        for (_, start) in starts.into_iter().take(FOLLOWED) {
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
        // What is left is polished with the zeros in place.
        let free: Vec<bool> = values.iter().map(|&value| value > 0.0).collect();
        let (values, converged) = if free.iter().all(|&free| free) {
            (values, best.converged)
        } else {
            let polished = self.climb(&values, &free)?;
            evaluations += polished.evaluations;
            let logs = polished.at.iter().zip(&free);
            (
                logs.map(|(x, &free)| if free { x.exp() } else { 0.0 }).collect(),
                polished.converged,
            )
        };
        self.result(values, evaluations, converged)
    }

    /// Sets to 0, one after the other, what is worth nothing.
    fn drop_to_zero(&self, mut values: Vec<f64>, mut value: f64) -> Result<(Vec<f64>, usize), LinearError> {
        let mut order: Vec<usize> = (0..values.len()).collect();
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
        maximise(&logs, bounds, |logs| {
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

    fn parameters(&self) -> usize {
        let all = self.search.step_parameter.iter().chain(&self.search.initial_parameter);
        all.flatten().max().map_or(0, |largest| largest + 1)
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
        model
    }

    fn likelihood(&self, values: &[f64]) -> Result<KalmanLikelihood, LinearError> {
        pooled(self.panel, &self.groups, &self.model(values), self.control)
    }

    /// Derivative by each parameter.
    fn score(&self, at: &KalmanLikelihood) -> Vec<f64> {
        let mut score = vec![0.0; self.parameters()];
        let steps = self.search.step_parameter.iter().zip(&at.step_score);
        for (parameter, own) in steps.chain(self.search.initial_parameter.iter().zip(&at.initial_score)) {
            if let Some(parameter) = parameter {
                score[*parameter] += own;
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
