use macrograd_simd::Vectorise;

use super::recursion::{Recursion, Step};
use crate::Panel;
use crate::parallel::active_isa;

/// States of up to N assets that miss the same rows, side by side.
pub(crate) struct States<'a, const N: usize> {
    panel: &'a Panel<'a>,
    recursion: &'a Recursion<'a>,
    /// `[row][column]`, given data up to the row.
    pub filtered: Vec<[f64; N]>,
    /// `[row]`, 0 where missing.
    pub errors: Vec<[f64; N]>,
    /// Sum of squared prediction errors over their variances.
    pub squares: [f64; N],
    initial: &'a [f64],
}

impl<'a, const N: usize> States<'a, N> {
    /// Filters the assets.
    pub(crate) fn filter(
        panel: &'a Panel<'a>,
        assets: &[usize],
        recursion: &'a Recursion<'a>,
        initial_mean: &'a [f64],
    ) -> Self {
        active_isa().vectorise(Filter {
            panel,
            assets,
            recursion,
            initial_mean,
        })
    }

    /// `[row][column]`, given all data.
    pub(crate) fn smooth(&self) -> Vec<[f64; N]> {
        active_isa().vectorise(Smooth(self))
    }
}

impl<const N: usize> States<'_, N> {
    /// As [`States::smooth`], from the pulls `[row][column][column]` of the next row's state (Rauch, Tung and Striebel 1965).
    pub(crate) fn smooth_by(&self, pulls: &[f64]) -> Vec<[f64; N]> {
        let k = self.panel.columns;
        let mut out = self.filtered.clone();
        for row in (0..self.panel.rows.saturating_sub(1)).rev() {
            let mut learnt = self.filtered[row * k..(row + 1) * k].to_vec();
            carry(&mut learnt, self.recursion.transition());
            let (earlier, later) = out.split_at_mut((row + 1) * k);
            for (learnt, later) in learnt.iter_mut().zip(&*later) {
                for lane in 0..N {
                    learnt[lane] = later[lane] - learnt[lane];
                }
            }
            add_product(&mut earlier[row * k..], &pulls[row * k * k..(row + 1) * k * k], &learnt);
        }
        out
    }
}

/// [`States::filter`].
struct Filter<'a, 's, const N: usize> {
    panel: &'a Panel<'a>,
    assets: &'s [usize],
    recursion: &'a Recursion<'a>,
    initial_mean: &'a [f64],
}

impl<'a, const N: usize> Vectorise for Filter<'a, '_, N> {
    type Output = States<'a, N>;

    #[inline(always)]
    fn run(self) -> States<'a, N> {
        let Self {
            panel,
            assets,
            recursion,
            initial_mean,
        } = self;
        let k = panel.columns;
        let mut filtered = Vec::with_capacity(panel.rows * k);
        let mut errors = vec![[0.0; N]; panel.rows];
        let mut squares = [0.0; N];
        let mut state: Vec<[f64; N]> = initial_mean.iter().map(|&mean| [mean; N]).collect();
        for (row, &step) in recursion.steps.iter().enumerate() {
            if row > 0 {
                carry(&mut state, recursion.transition());
            }
            if step != Step::Missing {
                let x = panel.design_row(row);
                let mut error = [0.0; N];
                for (error, &asset) in error.iter_mut().zip(assets) {
                    *error = panel.value(row, asset);
                }
                for (state, &x) in state.iter().zip(x) {
                    for lane in 0..N {
                        error[lane] -= x * state[lane];
                    }
                }
                for (state, &gain) in state.iter_mut().zip(&recursion.gains[row * k..(row + 1) * k]) {
                    for lane in 0..N {
                        state[lane] += gain * error[lane];
                    }
                }
                if let Step::Regular { variance } = step {
                    for lane in 0..N {
                        squares[lane] += error[lane] * error[lane] / variance;
                    }
                }
                errors[row] = error;
            }
            filtered.extend_from_slice(&state);
        }
        States {
            panel,
            recursion,
            filtered,
            errors,
            squares,
            initial: initial_mean,
        }
    }
}

/// [`States::smooth`].
struct Smooth<'s, 'a, const N: usize>(&'s States<'a, N>);

impl<const N: usize> Vectorise for Smooth<'_, '_, N> {
    type Output = Vec<[f64; N]>;

    #[inline(always)]
    fn run(self) -> Vec<[f64; N]> {
        let states = self.0;
        let k = states.panel.columns;
        let mut out = vec![[0.0; N]; states.panel.rows * k];
        let mut predicted = vec![0.0; k * k];
        let mut back = Backward::new(states);
        for row in (0..states.panel.rows).rev() {
            back.absorb(row);
            let own = &mut out[row * k..(row + 1) * k];
            if row == 0 {
                own.iter_mut()
                    .zip(states.initial)
                    .for_each(|(own, &mean)| *own = [mean; N]);
            } else {
                own.copy_from_slice(&states.filtered[(row - 1) * k..row * k]);
                carry(own, states.recursion.transition());
            }
            states.recursion.predict(row, &mut predicted);
            add_product(own, &predicted, &back.r0);
            if let Some(diffuse) = states.recursion.predicted_diffuse(row) {
                add_product(own, diffuse, &back.r1);
            }
        }
        out
    }
}

/// The backward recursion of the states, the last row first: r_{t-1} = x v / F + L'r_t (Durbin and Koopman 2012, 4.4 and
/// 5.3).
pub(crate) struct Backward<'s, 'a, const N: usize> {
    states: &'s States<'a, N>,
    /// `[column]`: belongs to the state *before* the row taken in last is seen.
    pub r0: Vec<[f64; N]>,
    /// The same of the diffuse part.
    pub r1: Vec<[f64; N]>,
}

impl<'s, 'a, const N: usize> Backward<'s, 'a, N> {
    pub(crate) fn new(states: &'s States<'a, N>) -> Self {
        let zero = || vec![[0.0; N]; states.panel.columns];
        Self {
            states,
            r0: zero(),
            r1: zero(),
        }
    }

    /// Takes in the next earlier row.
    #[inline(always)]
    pub(crate) fn absorb(&mut self, row: usize) {
        let (recursion, k) = (self.states.recursion, self.states.panel.columns);
        let x = self.states.panel.design_row(row);
        let gain = &recursion.gains[row * k..(row + 1) * k];
        let error = &self.states.errors[row];
        carry(&mut self.r0, recursion.transition());
        match recursion.steps[row] {
            Step::Missing => {}
            Step::Regular { variance } => {
                let along = combine(&self.r0, gain);
                let mut move_by = [0.0; N];
                for lane in 0..N {
                    move_by[lane] = error[lane] / variance - along[lane];
                }
                shift(&mut self.r0, x, &move_by);
            }
            Step::Diffuse { variance } => {
                let [first, second] = [combine(&self.r1, gain), combine(&self.r0, recursion.second_gain(row))];
                let along = combine(&self.r0, gain);
                let (mut move_by, mut back) = ([0.0; N], [0.0; N]);
                for lane in 0..N {
                    move_by[lane] = error[lane] / variance - first[lane] - second[lane];
                    back[lane] = -along[lane];
                }
                shift(&mut self.r1, x, &move_by);
                shift(&mut self.r0, x, &back);
            }
        }
    }
}

/// What is left of states in the next row; the same backwards.
#[inline(always)]
fn carry<const N: usize>(states: &mut [[f64; N]], transition: &[f64]) {
    for (state, &phi) in states.iter_mut().zip(transition) {
        if phi != 1.0 {
            state.iter_mut().for_each(|state| *state *= phi);
        }
    }
}

/// sum over columns of weight * values.
#[inline(always)]
fn combine<const N: usize>(values: &[[f64; N]], weights: &[f64]) -> [f64; N] {
    let mut sum = [0.0; N];
    for (value, &weight) in values.iter().zip(weights) {
        for lane in 0..N {
            sum[lane] += weight * value[lane];
        }
    }
    sum
}

/// r += x * amount.
#[inline(always)]
fn shift<const N: usize>(r: &mut [[f64; N]], x: &[f64], amount: &[f64; N]) {
    for (r, &x) in r.iter_mut().zip(x) {
        for lane in 0..N {
            r[lane] += x * amount[lane];
        }
    }
}

/// out += p r.
#[inline(always)]
fn add_product<const N: usize>(out: &mut [[f64; N]], p: &[f64], r: &[[f64; N]]) {
    for (out, row) in out.iter_mut().zip(p.chunks_exact(r.len().max(1))) {
        for (r, &p) in r.iter().zip(row) {
            for lane in 0..N {
                out[lane] += p * r[lane];
            }
        }
    }
}
