use super::chain::ergodic;

/// What data say about the regimes.
#[derive(Debug, Clone)]
pub(super) struct Inference {
    pub log_likelihood: f64,
    /// `[row][regime]`, given data up to the row.
    pub filtered: Vec<f64>,
    /// `[row][regime]`, given all data.
    pub smoothed: Vec<f64>,
    /// `[from][to]`: expected number of such steps.
    pub steps: Vec<f64>,
}

/// Of a normal error with the given variance.
pub(super) fn log_density(error: f64, variance: f64) -> f64 {
    -0.5 * (std::f64::consts::TAU.ln() + variance.ln() + error * error / variance)
}

/// Hamilton's (1989) filter and Kim's (1994) smoother; `densities` `[row][regime]` are logarithms, 0 where missing.
pub(super) fn infer(densities: &[f64], transition: &[f64], n: usize) -> Inference {
    let rows = densities.len() / n;
    let mut predicted = Vec::with_capacity(rows * n);
    let mut filtered: Vec<f64> = Vec::with_capacity(rows * n);
    let mut log_likelihood = 0.0;
    let mut state = ergodic(transition, n).0;
    for density in densities.chunks_exact(n) {
        if !filtered.is_empty() {
            let now = &filtered[filtered.len() - n..];
            state = (0..n)
                .map(|to| (0..n).map(|i| now[i] * transition[i * n + to]).sum())
                .collect();
        }
        predicted.extend_from_slice(&state);
        let largest = density.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x));
        state
            .iter_mut()
            .zip(density)
            .for_each(|(p, d)| *p *= (d - largest).exp());
        let sum: f64 = state.iter().sum();
        state.iter_mut().for_each(|p| *p /= sum);
        filtered.extend_from_slice(&state);
        log_likelihood += sum.ln() + largest;
    }
    let mut smoothed = filtered.clone();
    let mut steps = vec![0.0; n * n];
    for row in (0..rows.saturating_sub(1)).rev() {
        let later = &smoothed[(row + 1) * n..(row + 2) * n];
        let ahead = &predicted[(row + 1) * n..(row + 2) * n];
        // A regime that can't be reached has no share of the future either.
        let ratio: Vec<f64> = later
            .iter()
            .zip(ahead)
            .map(|(later, ahead)| if *ahead > 0.0 { later / ahead } else { 0.0 })
            .collect();
        for from in 0..n {
            let now = filtered[row * n + from];
            let mut sum = 0.0;
            for (to, ratio) in ratio.iter().enumerate() {
                let step = now * transition[from * n + to] * ratio;
                steps[from * n + to] += step;
                sum += step;
            }
            smoothed[row * n + from] = sum;
        }
    }
    Inference {
        log_likelihood,
        filtered,
        smoothed,
        steps,
    }
}
