use crate::Panel;
use crate::aggregate::{Aggregate, Scheme};
use crate::small::{product, trace_product};
use crate::solver::Solver;

/// The part of a moving regression that all assets with the same missing rows share: cross-products of the design, and
/// of the design with the market (the mean asset) when there is one.
pub(crate) struct Window<'a> {
    panel: &'a Panel<'a>,
    market: Option<&'a [f64]>,
    observed: Vec<bool>,
    scheme: Scheme,
    min_observations: usize,
    /// [1 | x x' | x m | m^2], weights w.
    sums: Aggregate,
    /// [1 | x x'] with weights w^2 and w^3 (decay only).
    squares: Option<[Aggregate; 2]>,
    values: Vec<f64>,
    seen: usize,
    row: usize,
}

/// A window as of one row. K columns.
pub(crate) struct WindowRow {
    /// The row.
    pub row: usize,
    pub solver: Solver,
    pub observations: usize,
    /// Residual sum of squares / trace is unbiased for the noise variance: sum w - tr((X'WX)^-1 X'W^2X).
    pub trace: f64,
    /// Degrees of freedom of that estimate (Satterthwaite 1946): n - K for equal weights.
    pub degrees_of_freedom: f64,
    /// Covariance of the coefficients / noise variance: (X'WX)^-1 X'W^2X (X'WX)^-1.
    pub sandwich: Vec<f64>,
    /// X'W^2X; equal to X'WX for equal weights.
    pub squared_gram: Vec<f64>,
    /// The market regressed on the same rows: X'Wm, coefficients, noise variance.
    pub market_moments: Vec<f64>,
    pub market_coefficients: Vec<f64>,
    pub market_variance: f64,
}

impl<'a> Window<'a> {
    pub(crate) fn new(
        panel: &'a Panel<'a>,
        observed: Vec<bool>,
        scheme: Scheme,
        min_observations: usize,
        market: Option<&'a [f64]>,
    ) -> Self {
        let k = panel.columns;
        let size = 1 + k * k + if market.is_some() { k + 1 } else { 0 };
        let squares = matches!(scheme, Scheme::Decay { .. })
            .then(|| [2, 3].map(|power| Aggregate::new(scheme, power, 1 + k * k)));
        Self {
            panel,
            market,
            observed,
            scheme,
            min_observations,
            sums: Aggregate::new(scheme, 1, size),
            squares,
            values: vec![0.0; size],
            seen: 0,
            row: 0,
        }
    }

    pub(crate) fn is_observed(&self, row: usize) -> bool {
        self.observed[row]
    }

    pub(crate) fn push(&mut self, row: usize) {
        let k = self.panel.columns;
        self.row = row;
        self.values.fill(0.0);
        if self.observed[row] {
            self.seen += 1;
            let x = self.panel.design_row(row);
            self.values[0] = 1.0;
            for (out, x_i) in self.values[1..=k * k].chunks_exact_mut(k.max(1)).zip(x) {
                out.iter_mut().zip(x).for_each(|(out, x_j)| *out = x_i * x_j);
            }
            if let Some(market) = self.market {
                let m = market[row];
                self.values[1 + k * k..]
                    .iter_mut()
                    .zip(x.iter().chain([&m]))
                    .for_each(|(out, x)| *out = x * m);
            }
        }
        self.sums.push(&self.values);
        for squares in self.squares.iter_mut().flatten() {
            squares.push(&self.values[..=k * k]);
        }
    }

    /// Rows in use and their weights, as of a row.
    pub(crate) fn weighted_rows(&self, last: usize) -> Vec<(usize, f64)> {
        (self.scheme.first_row(last)..=last)
            .filter(|&row| self.observed[row])
            .map(|row| (row, self.scheme.weight(last - row)))
            .collect()
    }

    /// The regression as of the last row pushed; `None` with too few observations.
    pub(crate) fn evaluate(&self) -> Option<WindowRow> {
        let k = self.panel.columns;
        let sums = self.sums.sums();
        let observations = match self.scheme {
            Scheme::Sliding { .. } => sums[0] as usize,
            Scheme::Decay { .. } => self.seen,
        };
        if observations < self.min_observations.max(1) {
            return None;
        }
        let gram = &sums[1..=k * k];
        let solver = Solver::new(gram, self.panel, || self.weighted_rows(self.row));
        let rank = solver.rank();
        if observations <= rank || rank == 0 {
            return None;
        }
        let (trace, degrees_of_freedom, sandwich, squared_gram) = match &self.squares {
            None => {
                let df = (observations - rank) as f64;
                (df, df, solver.inverse.clone(), gram.to_vec())
            }
            Some([second, third]) => {
                let hat = product(&solver.inverse, &second.sums()[1..], k);
                let trace = sums[0] - (0..k).map(|i| hat[i * k + i]).sum::<f64>();
                let spread = second.sums()[0] - 2.0 * trace_product(&solver.inverse, &third.sums()[1..], k)
                    + trace_product(&hat, &hat, k);
                (
                    trace,
                    trace * trace / spread,
                    product(&hat, &solver.inverse, k),
                    second.sums()[1..].to_vec(),
                )
            }
        };
        let mut row = WindowRow {
            row: self.row,
            solver,
            observations,
            trace,
            degrees_of_freedom,
            sandwich,
            squared_gram,
            market_moments: Vec::new(),
            market_coefficients: Vec::new(),
            market_variance: f64::NAN,
        };
        if self.market.is_some() {
            row.market_moments = sums[1 + k * k..1 + k * k + k].to_vec();
            row.market_coefficients = crate::small::apply(&row.solver.inverse, &row.market_moments);
            let explained: f64 = row
                .market_moments
                .iter()
                .zip(&row.market_coefficients)
                .map(|(a, b)| a * b)
                .sum();
            row.market_variance = (sums[1 + k * k + k] - explained).max(0.0) / trace;
        }
        Some(row)
    }
}
