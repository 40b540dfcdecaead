//! Adam and AdamW with parameter groups, clipping by the global norm, and the cosine schedule.
//!
//! Everything that is learned lies in one flat float64 vector; a group is a range of it with its own step size.
//! Kernels that compute in float32 round a copy from it, so that small steps are not lost.

use std::ops::Range;

/// Constants of Adam, the same for all groups (Kingma and Ba 2015, "Adam: a method for stochastic optimization").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamOptions {
    /// Decay of the running mean of the gradient.
    pub beta1: f64,
    /// Decay of the running mean of the squared gradient.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for AdamOptions {
    /// The paper's values, which are PyTorch's too.
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Parameters that share a step size.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterGroup {
    /// Where they lie in the flat vector.
    pub range: Range<usize>,
    /// Step size before the schedule's factor.
    pub learning_rate: f64,
    /// Decoupled decay a step, times the step size (Loshchilov and Hutter 2019, AdamW); 0 gives Adam.
    pub weight_decay: f64,
}

/// Adam or AdamW over a flat parameter vector; steps are those of `torch.optim.AdamW`.
#[derive(Debug, Clone)]
pub struct Adam {
    options: AdamOptions,
    groups: Vec<ParameterGroup>,
    first_moment: Vec<f64>,
    second_moment: Vec<f64>,
    steps: i32,
}

impl Adam {
    /// An optimiser for `parameters` values; what lies in no group is never moved.
    #[must_use]
    pub fn new(parameters: usize, groups: Vec<ParameterGroup>, options: AdamOptions) -> Self {
        Self {
            options,
            groups,
            first_moment: vec![0.0; parameters],
            second_moment: vec![0.0; parameters],
            steps: 0,
        }
    }

    /// Moves `parameters` one step against `gradient`; `schedule` multiplies every group's step size.
    pub fn step(&mut self, parameters: &mut [f64], gradient: &[f64], schedule: f64) {
        self.steps += 1;
        let AdamOptions { beta1, beta2, epsilon } = self.options;
        let correction1 = 1.0 - beta1.powi(self.steps);
        let root_correction2 = (1.0 - beta2.powi(self.steps)).sqrt();
        for group in &self.groups {
            let rate = group.learning_rate * schedule;
            let keep = 1.0 - rate * group.weight_decay;
            let moments = self.first_moment[group.range.clone()]
                .iter_mut()
                .zip(&mut self.second_moment[group.range.clone()]);
            let values = parameters[group.range.clone()]
                .iter_mut()
                .zip(&gradient[group.range.clone()]);
            for ((p, g), (m, v)) in values.zip(moments) {
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                *p = keep * *p - rate / correction1 * *m / (v.sqrt() / root_correction2 + epsilon);
            }
        }
    }
}

/// Scales `gradient` down to Euclidean length `max_norm` if it is longer; returns the length it had.
pub fn clip_global_norm(gradient: &mut [f64], max_norm: f64) -> f64 {
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    if norm > max_norm {
        let factor = max_norm / norm;
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
    norm
}

/// Half a cosine from 1 at step 0 to 0 at step `steps` (Loshchilov and Hutter 2017, without restarts).
#[must_use]
pub fn cosine_schedule(step: usize, steps: usize) -> f64 {
    let fraction = step as f64 / steps.max(1) as f64;
    0.5 * (1.0 + (std::f64::consts::PI * fraction.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a dozen float64 operations.
    const ROUNDING: f64 = 1e-14;

    #[test]
    fn steps_are_those_of_pytorch_adamw_with_two_groups() {
        // torch 2.15.0, float64: p = [1, -2, 3], groups {p[0:2]: lr .1}, {p[2]: lr .01, weight_decay .1}, AdamW,
        // gradient of sum(k_j p_j^2 / 2), k = (1, 2, .5), three steps: test/reference/closed_form_golden.py.
        let expected = [0.701586274504415, -1.700623392046465, 2.961043225285642];
        let groups = vec![
            ParameterGroup {
                range: 0..2,
                learning_rate: 0.1,
                weight_decay: 0.0,
            },
            ParameterGroup {
                range: 2..3,
                learning_rate: 0.01,
                weight_decay: 0.1,
            },
        ];
        let mut adam = Adam::new(3, groups, AdamOptions::default());
        let mut p = [1.0, -2.0, 3.0];
        for _ in 0..3 {
            let gradient = [p[0], 2.0 * p[1], 0.5 * p[2]];
            adam.step(&mut p, &gradient, 1.0);
        }
        for (got, want) in p.iter().zip(expected) {
            assert!((got - want).abs() < ROUNDING, "{got} against {want}");
        }
    }

    #[test]
    fn clipping_keeps_short_gradients_and_shortens_long_ones_to_the_limit() {
        let mut short = [0.3, -0.4];
        assert!((clip_global_norm(&mut short, 1.0) - 0.5).abs() < ROUNDING);
        assert_eq!(short, [0.3, -0.4]);
        let mut long = [3.0, -4.0];
        clip_global_norm(&mut long, 1.0);
        assert!((long[0] - 0.6).abs() < ROUNDING && (long[1] + 0.8).abs() < ROUNDING);
    }

    #[test]
    fn cosine_falls_from_one_through_a_half_to_zero() {
        assert_eq!(cosine_schedule(0, 900), 1.0);
        assert!((cosine_schedule(450, 900) - 0.5).abs() < ROUNDING);
        assert!(cosine_schedule(900, 900).abs() < ROUNDING);
    }
}
