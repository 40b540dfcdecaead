//! Penalties that go with the marginal likelihood: which factors enter which unit, small weights, smooth lag filters.

use super::inputs::BUMPS;
use super::parameters::Layout;
use crate::weights::GATES;

/// Strength of each penalty, on the scale of the loss of one return.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalties {
    /// Of `sum over (factor, unit) of log(1 + |W[gates, factor, unit]| / scale)`: a factor that a unit hardly needs
    /// leaves it altogether (log-sum penalty, Candes, Wakin and Boyd 2008).
    pub log_group: f64,
    /// Length below which that penalty is about linear.
    pub log_group_scale: f64,
    /// Of the squares of the LSTM's weights (not its biases).
    pub weights: f64,
    /// Of the squared differences of a lag filter's neighbouring bumps.
    pub filter_slope: f64,
    /// Of the squares of the lag filters.
    pub filter: f64,
}

impl Default for Penalties {
    fn default() -> Self {
        Self {
            log_group: 3e-4,
            log_group_scale: 0.1,
            weights: 2e-5,
            filter_slope: 0.001,
            filter: 1e-4,
        }
    }
}

impl Penalties {
    /// Adds the penalties' gradient to `gradient`; returns their value. Both vectors are laid out by `layout`.
    pub fn add(&self, layout: &Layout, flat: &[f64], gradient: &mut [f64]) -> f64 {
        let [encoder, filters, ..] = layout.ranges();
        self.add_groups(layout, &flat[encoder.clone()], &mut gradient[encoder.clone()])
            + self.add_weights(layout, &flat[encoder.clone()], &mut gradient[encoder])
            + self.add_filters(layout, &flat[filters.clone()], &mut gradient[filters])
    }

    fn add_groups(&self, layout: &Layout, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let (inputs, hidden) = (layout.window_size, layout.hidden_size);
        let mut value = 0.0;
        for unit in 0..hidden {
            for input in 0..inputs {
                let places: [usize; GATES] = std::array::from_fn(|gate| (gate * hidden + unit) * inputs + input);
                let norm = places.iter().map(|&i| weights[i] * weights[i]).sum::<f64>().sqrt();
                value += (1.0 + norm / self.log_group_scale).ln();
                // At exactly 0 the subgradient 0 is taken.
                if norm > 0.0 {
                    let slope = self.log_group / ((self.log_group_scale + norm) * norm);
                    places.iter().for_each(|&i| gradient[i] += slope * weights[i]);
                }
            }
        }
        self.log_group * value
    }

    fn add_weights(&self, layout: &Layout, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let [ih, hh, ..] = layout.encoder().layer_lengths(0);
        let mut value = 0.0;
        for (g, w) in gradient[..ih + hh].iter_mut().zip(weights) {
            value += w * w;
            *g += 2.0 * self.weights * w;
        }
        self.weights * value
    }

    fn add_filters(&self, layout: &Layout, filters: &[f64], gradient: &mut [f64]) -> f64 {
        let factors = layout.factors;
        let mut value = 0.0;
        for (column, slope) in filters
            .chunks(BUMPS * factors)
            .zip(gradient.chunks_mut(BUMPS * factors))
        {
            for i in 0..column.len() {
                value += self.filter * column[i] * column[i];
                slope[i] += 2.0 * self.filter * column[i];
                if i >= factors {
                    let step = column[i] - column[i - factors];
                    value += self.filter_slope * step * step;
                    slope[i] += 2.0 * self.filter_slope * step;
                    slope[i - factors] -= 2.0 * self.filter_slope * step;
                }
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::cell::Cell;
    use crate::closed_form::form::FeatureForm;
    use crate::closed_form::random::Random;

    #[test]
    fn gradient_matches_central_differences() {
        // Step 1e-5 in float64: truncation about 1e-10, rounding about 1e-11.
        const STEP: f64 = 1e-5;
        const TOLERANCE: f64 = 1e-8;
        let layout = Layout {
            window_size: 3,
            hidden_size: 2,
            factors: 2,
            filters: 2,
            rank: 2,
            cell: Cell::Mixed,
            form: FeatureForm::Level,
        };
        // Stronger than in use, so that every term shows.
        let penalties = Penalties {
            weights: 0.1,
            filter: 0.1,
            filter_slope: 0.2,
            log_group: 0.3,
            ..Penalties::default()
        };
        let flat = layout.initial(4, -1.0, 1.0, &mut Random::new(5, 0));
        let mut gradient = vec![0.0; flat.len()];
        penalties.add(&layout, &flat, &mut gradient);
        let value = |flat: &[f64]| penalties.add(&layout, flat, &mut vec![0.0; flat.len()]);
        for i in 0..flat.len() {
            let (mut up, mut down) = (flat.clone(), flat.clone());
            up[i] += STEP;
            down[i] -= STEP;
            let difference = (value(&up) - value(&down)) / (2.0 * STEP);
            assert!((difference - gradient[i]).abs() < TOLERANCE, "{i}");
        }
    }
}
