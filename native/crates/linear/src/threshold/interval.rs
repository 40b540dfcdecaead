use super::splits::{Apart, Grid, System};
use super::tally::reductions_of;
use super::{ThresholdFit, ThresholdOptions};
use crate::Panel;
use crate::panel::Group;

/// Bandwidth of the kernel regressions at the threshold, in SD n^(-1/5): Silverman's rule for Epanechnikov's kernel.
const BANDWIDTH: f64 = 2.34;

/// What assets say about where their common threshold is.
pub(super) struct Evidence {
    /// `[point]`: likelihood ratio against the estimate.
    ratio: Vec<f64>,
    /// `[row]`: sum over assets of d'x e / s^2.
    score: Vec<f64>,
    /// `[row]`: sum over assets of (d'x)^2 / s^2.
    signal: Vec<f64>,
}

impl Evidence {
    pub(super) fn new(points: usize, rows: usize) -> Self {
        Self {
            ratio: vec![0.0; points],
            score: vec![0.0; rows],
            signal: vec![0.0; rows],
        }
    }

    /// Takes in an asset: its regression apart at the estimate, and what each point of the variable takes off the squares
    /// of the residuals; `point` is the estimate.
    pub(super) fn add(&mut self, system: &System, apart: &Apart, reductions: &[f64], point: usize) {
        let squares: f64 = apart.residuals.iter().map(|e| e * e).sum();
        let variance = squares / system.rows.len() as f64;
        if variance <= 0.0 {
            return;
        }
        for (ratio, reduction) in self.ratio.iter_mut().zip(reductions) {
            *ratio += (reductions[point] - reduction) / variance;
        }
        for ((&row, moved), e) in system.rows.iter().zip(&apart.moved).zip(&apart.residuals) {
            self.score[row] += moved * e / variance;
            self.signal[row] += moved * moved / variance;
        }
    }

    /// Hansen's (2000) eta^2: how much noisier the score is at the threshold than its signal says.
    fn inflation(&self, variable: &[f64], threshold: f64) -> f64 {
        let used = || variable.iter().zip(&self.signal).filter(|(_, signal)| **signal > 0.0);
        let n = used().count() as f64;
        let mean = used().map(|(q, _)| q).sum::<f64>() / n;
        let sd = (used().map(|(q, _)| (q - mean).powi(2)).sum::<f64>() / n).sqrt();
        let width = BANDWIDTH * sd * n.powf(-0.2);
        let near = |q: f64| (1.0 - ((q - threshold) / width).powi(2)).max(0.0);
        // The estimate lies where the data fit best, so that the few rows around it look too quiet: all rows and 1 are floors.
        self.ratio_over(variable, near)
            .max(self.ratio_over(variable, |_| 1.0))
            .max(1.0)
    }

    /// Noise over signal of rows with weights by their value of the variable; 0 without a signal.
    fn ratio_over(&self, variable: &[f64], weight: impl Fn(f64) -> f64) -> f64 {
        let (mut noise, mut signal) = (0.0, 0.0);
        for ((&q, score), own) in variable.iter().zip(&self.score).zip(&self.signal) {
            if *own > 0.0 {
                noise += weight(q) * score * score;
                signal += weight(q) * own;
            }
        }
        if signal > 0.0 { noise / signal } else { 0.0 }
    }
}

/// Thresholds whose likelihood ratio is at most eta^2 c, c = -2 log(1 - sqrt(confidence)) (Hansen 2000, theorem 2), as
/// parts `[lower, upper]` that do not meet, ascending.
pub(super) fn region(
    evidence: &Evidence,
    variable: &[f64],
    (values, thinned): (&[f64], bool),
    threshold: f64,
    options: &ThresholdOptions,
) -> Vec<[f64; 2]> {
    let critical = -2.0 * (1.0 - options.confidence.sqrt()).ln();
    let limit = critical * evidence.inflation(variable, threshold);
    let inside = |at: &usize| evidence.ratio[*at] <= limit || values[*at] == threshold;
    let mut parts: Vec<[f64; 2]> = Vec::new();
    for at in (0..values.len()).filter(inside) {
        // Rows split alike up to the next value; in a thinned grid the values in between are not known either.
        let lower = values[if thinned { at.saturating_sub(1) } else { at }];
        let upper = values[(at + 1).min(values.len() - 1)];
        match parts.last_mut() {
            Some(part) if part[1] >= lower => part[1] = upper,
            _ => parts.push([lower, upper]),
        }
    }
    parts
}

/// The same for the threshold of all assets together.
pub(super) fn confidence(
    panel: &Panel,
    options: &ThresholdOptions,
    grid: &Grid,
    groups: &[Group],
    best: &ThresholdFit,
) -> Vec<[f64; 2]> {
    let values = &grid.values[best.variable];
    let before = grid.first_point(best.variable);
    let Some(place) = values.iter().position(|&value| value == best.threshold) else {
        return Vec::new();
    };
    let mut evidence = Evidence::new(values.len(), panel.rows);
    for group in groups {
        let observed = group.observed.iter().filter(|&&seen| seen).count();
        if observed < options.min_observations {
            continue;
        }
        let system = System::new(panel, options, grid, &group.observed);
        if system.rank == 0 || observed < 2 * system.rank + 2 {
            continue;
        }
        for &asset in &group.assets {
            let residuals = system.residuals(panel, asset);
            let reductions = reductions_of(&system, &residuals, grid.points());
            if let Some(apart) = system.apart(best.variable, place, &residuals) {
                let own = &reductions[before..before + values.len()];
                evidence.add(&system, &apart, own, place);
            }
        }
    }
    let variable = &options.variables[best.variable * panel.rows..(best.variable + 1) * panel.rows];
    region(
        &evidence,
        variable,
        (values, grid.thinned[best.variable]),
        best.threshold,
        options,
    )
}
