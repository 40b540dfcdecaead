use super::recursion::{Recursion, Step};
use crate::Panel;
use crate::lanes::LANES;

/// Values of up to [`LANES`] assets side by side.
pub(crate) type Lane = [f64; LANES];

/// States of up to [`LANES`] assets that miss the same rows.
pub(crate) struct States<'a> {
    panel: &'a Panel<'a>,
    recursion: &'a Recursion<'a>,
    /// `[row][column]`, given data up to the row.
    pub filtered: Vec<Lane>,
    /// `[row]`, 0 where missing.
    pub errors: Vec<Lane>,
    /// Sum of squared prediction errors over their variances.
    pub squares: Lane,
    initial: &'a [f64],
}

impl<'a> States<'a> {
    /// Filters the assets.
    pub(crate) fn filter(
        panel: &'a Panel<'a>,
        assets: &[usize],
        recursion: &'a Recursion<'a>,
        initial_mean: &'a [f64],
    ) -> Self {
        let k = panel.columns;
        let mut filtered = Vec::with_capacity(panel.rows * k);
        let mut errors = vec![[0.0; LANES]; panel.rows];
        let mut squares = [0.0; LANES];
        let mut state: Vec<Lane> = initial_mean.iter().map(|&mean| [mean; LANES]).collect();
        for (row, &step) in recursion.steps.iter().enumerate() {
            if row > 0 {
                carry(&mut state, recursion.transition());
            }
            if step != Step::Missing {
                let x = panel.design_row(row);
                let mut error = [0.0; LANES];
                for (error, &asset) in error.iter_mut().zip(assets) {
                    *error = panel.value(row, asset);
                }
                for (state, &x) in state.iter().zip(x) {
                    (0..LANES).for_each(|lane| error[lane] -= x * state[lane]);
                }
                for (state, &gain) in state.iter_mut().zip(&recursion.gains[row * k..(row + 1) * k]) {
                    (0..LANES).for_each(|lane| state[lane] += gain * error[lane]);
                }
                if let Step::Regular { variance } = step {
                    (0..LANES).for_each(|lane| squares[lane] += error[lane] * error[lane] / variance);
                }
                errors[row] = error;
            }
            filtered.extend_from_slice(&state);
        }
        Self {
            panel,
            recursion,
            filtered,
            errors,
            squares,
            initial: initial_mean,
        }
    }

    /// Runs backwards and hands r0 and r1 of every row to `visit`, which belong to the state *before* the row is seen:
    /// r_{t-1} = x v / F + L'r_t (Durbin and Koopman 2012, 4.4 and 5.3).
    pub(crate) fn backward(&self, mut visit: impl FnMut(usize, &[Lane], &[Lane])) {
        let k = self.panel.columns;
        let mut r0 = vec![[0.0; LANES]; k];
        let mut r1 = vec![[0.0; LANES]; k];
        for row in (0..self.panel.rows).rev() {
            let x = self.panel.design_row(row);
            let gain = &self.recursion.gains[row * k..(row + 1) * k];
            let error = &self.errors[row];
            carry(&mut r0, self.recursion.transition());
            match self.recursion.steps[row] {
                Step::Missing => {}
                Step::Regular { variance } => {
                    let along = combine(&r0, gain);
                    let mut move_by = [0.0; LANES];
                    (0..LANES).for_each(|lane| move_by[lane] = error[lane] / variance - along[lane]);
                    shift(&mut r0, x, &move_by);
                }
                Step::Diffuse { variance } => {
                    let [first, second] = [combine(&r1, gain), combine(&r0, self.recursion.second_gain(row))];
                    let mut move_by = [0.0; LANES];
                    (0..LANES).for_each(|lane| move_by[lane] = error[lane] / variance - first[lane] - second[lane]);
                    shift(&mut r1, x, &move_by);
                    let along = combine(&r0, gain);
                    shift(&mut r0, x, &along.map(|along| -along));
                }
            }
            visit(row, &r0, &r1);
        }
    }

    /// `[row][column]`, given all data.
    pub(crate) fn smooth(&self) -> Vec<Lane> {
        let k = self.panel.columns;
        let mut out = vec![[0.0; LANES]; self.panel.rows * k];
        self.backward(|row, r0, r1| {
            let own = &mut out[row * k..(row + 1) * k];
            match row {
                0 => own
                    .iter_mut()
                    .zip(self.initial)
                    .for_each(|(own, &mean)| *own = [mean; LANES]),
                _ => {
                    own.copy_from_slice(&self.filtered[(row - 1) * k..row * k]);
                    carry(own, self.recursion.transition());
                }
            }
            add_product(own, &self.recursion.predicted(row), r0);
            if let Some(diffuse) = self.recursion.predicted_diffuse(row) {
                add_product(own, diffuse, r1);
            }
        });
        out
    }
}

/// What is left of states in the next row; the same backwards.
fn carry(states: &mut [Lane], transition: &[f64]) {
    for (state, &phi) in states.iter_mut().zip(transition) {
        if phi != 1.0 {
            (0..LANES).for_each(|lane| state[lane] *= phi);
        }
    }
}

/// sum over columns of weight * values.
fn combine(values: &[Lane], weights: &[f64]) -> Lane {
    let mut sum = [0.0; LANES];
    for (value, &weight) in values.iter().zip(weights) {
        (0..LANES).for_each(|lane| sum[lane] += weight * value[lane]);
    }
    sum
}

/// r += x * amount.
fn shift(r: &mut [Lane], x: &[f64], amount: &Lane) {
    for (r, &x) in r.iter_mut().zip(x) {
        (0..LANES).for_each(|lane| r[lane] += x * amount[lane]);
    }
}

/// out += p r.
fn add_product(out: &mut [Lane], p: &[f64], r: &[Lane]) {
    for (out, row) in out.iter_mut().zip(p.chunks_exact(r.len().max(1))) {
        for (r, &p) in r.iter().zip(row) {
            (0..LANES).for_each(|lane| out[lane] += p * r[lane]);
        }
    }
}
