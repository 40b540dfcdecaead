use crate::LinearError;

/// Most steps of a climb; BFGS on a dozen well-scaled parameters takes 10 to 60.
const MAX_STEPS: usize = 200;

/// A climb ends where the gradient, projected on the box, is below this share of 1 + |value|.
pub(crate) const GRADIENT_TOLERANCE: f64 = 1e-8;

/// ... or where a step gains less than this share of 1 + |value|: rounding of the function itself.
const GAIN_TOLERANCE: f64 = 1e-13;

/// Longest first step along one coordinate: parameters are logarithms, and a factor of e^2 is far.
const LONGEST_STEP: f64 = 2.0;

/// Where a function was found to be largest.
pub(crate) struct Maximum {
    pub at: Vec<f64>,
    pub value: f64,
    pub evaluations: usize,
    pub converged: bool,
}

/// Maximises a smooth function in a box by BFGS with backtracking (Nocedal and Wright 2006, 6.1); coordinates at a bound
/// that the gradient points out of are held.
pub(crate) fn maximise(
    start: &[f64],
    bounds: (f64, f64),
    function: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>), LinearError>,
) -> Result<Maximum, LinearError> {
    maximise_to(GRADIENT_TOLERANCE, start, bounds, function)
}

/// As [`maximise`], to a projected gradient of `tolerance` times 1 + |value|.
pub(crate) fn maximise_to(
    tolerance: f64,
    start: &[f64],
    (low, high): (f64, f64),
    mut function: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>), LinearError>,
) -> Result<Maximum, LinearError> {
    let n = start.len();
    let mut at: Vec<f64> = start.iter().map(|x| x.clamp(low, high)).collect();
    let (mut value, mut gradient) = function(&at)?;
    let mut evaluations = 1;
    let mut inverse = identity(n);
    let mut converged = false;
    let mut held = vec![false; n];
    for _ in 0..MAX_STEPS {
        let now: Vec<bool> = at
            .iter()
            .zip(&gradient)
            .map(|(&x, &g)| (x <= low && g <= 0.0) || (x >= high && g >= 0.0))
            .collect();
        if now != held {
            inverse = identity(n);
            held = now;
        }
        let free_gradient: Vec<f64> = gradient
            .iter()
            .zip(&held)
            .map(|(&g, &held)| if held { 0.0 } else { g })
            .collect();
        let steepest = free_gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        if steepest <= tolerance * (1.0 + value.abs()) {
            converged = true;
            break;
        }
        let direction = ascent(&mut inverse, &free_gradient, &held);
        let slope: f64 = direction.iter().zip(&free_gradient).map(|(d, g)| d * g).sum();
        let longest = direction.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
        let mut length = (LONGEST_STEP / longest).min(1.0);
        let mut moved = None;
        for _ in 0..40 {
            let next: Vec<f64> = at
                .iter()
                .zip(&direction)
                .map(|(x, d)| (x + length * d).clamp(low, high))
                .collect();
            let (next_value, next_gradient) = function(&next)?;
            evaluations += 1;
            if next_value >= value + 1e-4 * length * slope.min(0.0) && next_value > value {
                moved = Some((next, next_value, next_gradient));
                break;
            }
            length *= 0.4;
        }
        let Some((next, next_value, next_gradient)) = moved else {
            // No step gains: at the accuracy of the function this is the maximum.
            converged = steepest <= 1e-4 * (1.0 + value.abs());
            break;
        };
        let step: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = gradient.iter().zip(&next_gradient).map(|(a, b)| a - b).collect();
        update(&mut inverse, &step, &change);
        let gained = next_value - value;
        (at, value, gradient) = (next, next_value, next_gradient);
        if gained <= GAIN_TOLERANCE * (1.0 + value.abs()) {
            converged = true;
            break;
        }
    }
    Ok(Maximum {
        at,
        value,
        evaluations,
        converged,
    })
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect()
}

/// Direction of ascent over the free coordinates; falls back to the gradient where the quasi-Newton one descends.
fn ascent(inverse: &mut Vec<f64>, gradient: &[f64], held: &[bool]) -> Vec<f64> {
    let n = gradient.len();
    let mut direction: Vec<f64> = inverse
        .chunks_exact(n)
        .map(|row| row.iter().zip(gradient).map(|(h, g)| h * g).sum())
        .collect();
    direction
        .iter_mut()
        .zip(held)
        .filter(|(_, held)| **held)
        .for_each(|(d, _)| *d = 0.0);
    let slope: f64 = direction.iter().zip(gradient).map(|(d, g)| d * g).sum();
    if slope > 0.0 && slope.is_finite() {
        return direction;
    }
    *inverse = identity(n);
    gradient.to_vec()
}

/// BFGS update of the inverse of minus the Hessian; skipped where the curvature is not that of a maximum.
fn update(inverse: &mut [f64], step: &[f64], change: &[f64]) {
    let n = step.len();
    let curvature: f64 = step.iter().zip(change).map(|(s, y)| s * y).sum();
    if curvature <= 1e-300 {
        return;
    }
    let along: Vec<f64> = inverse
        .chunks_exact(n)
        .map(|row| row.iter().zip(change).map(|(h, y)| h * y).sum())
        .collect();
    let spread: f64 = change.iter().zip(&along).map(|(y, a)| y * a).sum();
    for i in 0..n {
        for j in 0..n {
            inverse[i * n + j] += (1.0 + spread / curvature) * step[i] * step[j] / curvature
                - (along[i] * step[j] + step[i] * along[j]) / curvature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_top_of_a_curved_ridge_and_of_a_slope_that_leaves_the_box() {
        // Rosenbrock's valley upside down, top at (1, 1).
        let top = maximise(&[-1.2, 1.0], (-5.0, 5.0), |x| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            Ok((-a * a - 100.0 * b * b, vec![2.0 * a + 400.0 * b * x[0], -200.0 * b]))
        })
        .expect("no error");
        assert!(top.converged && (top.at[0] - 1.0).abs() < 1e-4 && (top.at[1] - 1.0).abs() < 1e-4);
        let corner = maximise(&[0.0, 0.3], (-2.0, 2.0), |x| {
            Ok((-x[0] - (x[1] - 0.5).powi(2), vec![-1.0, 1.0 - 2.0 * x[1]]))
        })
        .expect("no error");
        assert_eq!(corner.at[0], -2.0);
        assert!(corner.converged && (corner.at[1] - 0.5).abs() < 1e-6);
    }
}
