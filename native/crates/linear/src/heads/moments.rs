use crate::Panel;
use crate::panel::Group;
use crate::small::dot;

/// Moments of the assets that miss the same rows, features and returns less their means over the rows observed.
pub(crate) struct Pattern {
    pub assets: Vec<usize>,
    /// Those observed.
    pub rows: Vec<usize>,
    /// Their number, less one for the mean.
    pub freedom: f64,
    /// `[feature]`.
    pub feature_mean: Vec<f64>,
    /// `[asset]`.
    pub return_mean: Vec<f64>,
    /// `[feature][feature]`: G = R'R.
    pub gram: Vec<f64>,
    /// `[feature]`: R' times the mean of the assets' returns.
    pub mean_moment: Vec<f64>,
    /// Sum of squares of that mean.
    pub mean_square: f64,
    /// `[asset][feature]`: R' times the deviation from the mean.
    pub deviation_moments: Vec<f64>,
    /// Sum of squares of all deviations.
    pub deviation_square: f64,
}

impl Pattern {
    pub(crate) fn new(panel: &Panel, group: &Group) -> Self {
        let k = panel.columns;
        let rows: Vec<usize> = (0..panel.rows).filter(|&row| group.observed[row]).collect();
        let count = rows.len() as f64;
        let mut feature_mean = vec![0.0; k];
        for &row in &rows {
            for (mean, x) in feature_mean.iter_mut().zip(panel.design_row(row)) {
                *mean += x / count;
            }
        }
        let assets = group.assets.len();
        let mut return_mean = vec![0.0; assets];
        for &row in &rows {
            for (mean, &asset) in return_mean.iter_mut().zip(&group.assets) {
                *mean += panel.value(row, asset) / count;
            }
        }
        let mut own = Self {
            assets: group.assets.clone(),
            rows: Vec::new(),
            freedom: count - 1.0,
            feature_mean,
            return_mean,
            gram: vec![0.0; k * k],
            mean_moment: vec![0.0; k],
            mean_square: 0.0,
            deviation_moments: vec![0.0; assets * k],
            deviation_square: 0.0,
        };
        let mut x = vec![0.0; k];
        let mut y = vec![0.0; assets];
        for &row in &rows {
            for ((x, value), mean) in x.iter_mut().zip(panel.design_row(row)).zip(&own.feature_mean) {
                *x = value - mean;
            }
            for ((y, &asset), mean) in y.iter_mut().zip(&group.assets).zip(&own.return_mean) {
                *y = panel.value(row, asset) - mean;
            }
            own.add(&x, &y);
        }
        own.rows = rows;
        own
    }

    /// Value of an asset's regression where all features are 0.
    pub(super) fn offset(&self, local: usize, head: &[f64]) -> f64 {
        self.return_mean[local] - dot(head, &self.feature_mean)
    }

    fn add(&mut self, x: &[f64], y: &[f64]) {
        let k = x.len();
        for (row, &value) in self.gram.chunks_exact_mut(k.max(1)).zip(x) {
            row.iter_mut().zip(x).for_each(|(g, x)| *g += value * x);
        }
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        self.mean_square += mean * mean;
        self.mean_moment.iter_mut().zip(x).for_each(|(m, x)| *m += mean * x);
        for (moments, &y) in self.deviation_moments.chunks_exact_mut(k.max(1)).zip(y) {
            let deviation = y - mean;
            self.deviation_square += deviation * deviation;
            moments.iter_mut().zip(x).for_each(|(m, x)| *m += deviation * x);
        }
    }
}
