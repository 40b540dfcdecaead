use macrograd_simd::Vectorise;

use super::KalmanModel;
use super::regular::MOST_COLUMNS;
use crate::Panel;
use crate::parallel::active_isa;
use crate::small::{apply, product, transpose};

/// A row informs about a diffuse direction when more than this share of its squared length lies in it; below, what
/// lies there is the rounding of earlier rows.
const DIFFUSE_TOLERANCE: f64 = 1e-10;

/// What a row did to the covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// No return, or no complete design.
    Missing,
    /// Variance of the prediction error, in units of the noise.
    Regular { variance: f64 },
    /// Variance of the prediction error over the infinite scale: the row fixes one diffuse direction.
    Diffuse { variance: f64 },
}

/// Covariances of assets that miss the same rows, in units of the noise variance; the returns play no part in them.
pub(crate) struct Recursion<'a> {
    panel: &'a Panel<'a>,
    step_variance: &'a [f64],
    transition: &'a [f64],
    /// `[row]`, in units of s^2; 1 without.
    noise: Option<Vec<f64>>,
    /// `[row]`.
    pub steps: Vec<Step>,
    /// `[row][column]`: the state moves by gain times prediction error.
    pub gains: Vec<f64>,
    /// `[diffuse row][column]`: finite part of the gain (K1 in Durbin and Koopman 2012, 5.2.3).
    second_gains: Vec<f64>,
    lean: bool,
    /// `[row][column][column]`, given data up to the row; lean: of the diffuse rows alone.
    pub filtered: Vec<f64>,
    /// `[diffuse row][column][column]`: infinite part of the covariance given data up to the row.
    pub diffuse: Vec<f64>,
    /// First row from which on everything is finite.
    pub diffuse_rows: usize,
    initial: Vec<f64>,
    initial_diffuse: Vec<f64>,
}

/// What a filter of another form finds, in the order of [`Recursion`]'s fields.
#[derive(Default)]
pub(super) struct Gains {
    pub steps: Vec<Step>,
    pub gains: Vec<f64>,
    pub filtered: Vec<f64>,
    pub diffuse: Vec<f64>,
    pub diffuse_rows: usize,
}

/// Smoothing recursions of the covariance.
pub(crate) struct Smoothed {
    /// `[row][column][column]`, given all data; empty if not wanted.
    pub covariance: Vec<f64>,
    /// `[column]`: sum over steps of the diagonal of N, the information that later rows hold about a step.
    pub step_information: Vec<f64>,
    /// `[column]`: the same about the initial state.
    pub initial_information: Vec<f64>,
}

impl<'a> Recursion<'a> {
    /// For a likelihood and its score alone, at a third of the work: keeps no covariances once all is finite, and takes
    /// P - m m' / F there, which is not guarded against rounding as Joseph's form is.
    pub(crate) fn lean(panel: &'a Panel<'a>, observed: &[bool], model: &'a KalmanModel) -> Self {
        Self::build(panel, observed, model, None, true)
    }

    /// With a noise variance of every row, in units of s^2.
    pub(crate) fn with_noise(
        panel: &'a Panel<'a>,
        observed: &[bool],
        model: &'a KalmanModel,
        noise: Option<Vec<f64>>,
    ) -> Self {
        Self::build(panel, observed, model, noise, false)
    }

    /// For the states to read; has no second gains, which only the backward recursions of this form need.
    pub(super) fn from_gains(
        panel: &'a Panel<'a>,
        model: &'a KalmanModel,
        noise: Option<Vec<f64>>,
        found: Gains,
    ) -> Self {
        Self {
            panel,
            step_variance: &model.step_variance,
            transition: &model.transition,
            noise,
            steps: found.steps,
            gains: found.gains,
            second_gains: Vec::new(),
            lean: false,
            filtered: found.filtered,
            diffuse: found.diffuse,
            diffuse_rows: found.diffuse_rows,
            initial: Vec::new(),
            initial_diffuse: Vec::new(),
        }
    }

    fn build(
        panel: &'a Panel<'a>,
        observed: &[bool],
        model: &'a KalmanModel,
        noise: Option<Vec<f64>>,
        lean: bool,
    ) -> Self {
        let k = panel.columns;
        let mut initial = vec![0.0; k * k];
        let mut initial_diffuse = vec![0.0; k * k];
        for (j, &variance) in model.initial_variance.iter().enumerate() {
            let place = if variance.is_finite() {
                &mut initial
            } else {
                &mut initial_diffuse
            };
            place[j * k + j] = if variance.is_finite() { variance } else { 1.0 };
        }
        let mut own = Self {
            panel,
            step_variance: &model.step_variance,
            transition: &model.transition,
            noise,
            steps: Vec::with_capacity(panel.rows),
            gains: vec![0.0; panel.rows * k],
            second_gains: Vec::new(),
            lean,
            filtered: Vec::with_capacity(if lean { 0 } else { panel.rows * k * k }),
            diffuse: Vec::new(),
            diffuse_rows: 0,
            initial,
            initial_diffuse,
        };
        active_isa().vectorise(Forward {
            own: &mut own,
            observed,
            model,
        });
        own
    }

    /// Only a likelihood is wanted, of so few columns that regular rows have a recursion of their own.
    fn is_narrow(&self) -> bool {
        self.lean && self.columns() <= MOST_COLUMNS
    }

    pub(super) fn columns(&self) -> usize {
        self.panel.columns
    }

    pub(super) fn design_row(&self, row: usize) -> &[f64] {
        self.panel.design_row(row)
    }

    pub(super) fn step_variance(&self) -> &[f64] {
        self.step_variance
    }

    /// Covariance before the row's own return is seen.
    pub(crate) fn predicted(&self, row: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.initial.len()];
        self.predict(row, &mut out);
        out
    }

    /// As [`Self::predicted`], into an array.
    #[inline(always)]
    pub(crate) fn predict(&self, row: usize, out: &mut [f64]) {
        let k2 = self.initial.len();
        match row {
            0 => out.copy_from_slice(&self.initial),
            _ => {
                out.copy_from_slice(&self.filtered[(row - 1) * k2..row * k2]);
                self.advance(out);
            }
        }
    }

    /// P <- T P T + Q. Diffuse columns have T = 1, so that their infinite part stays as it is.
    #[inline(always)]
    fn advance(&self, covariance: &mut [f64]) {
        let k = self.panel.columns;
        if self.transition.iter().any(|&phi| phi != 1.0) {
            for (row, a) in covariance.chunks_exact_mut(k).zip(self.transition) {
                row.iter_mut().zip(self.transition).for_each(|(p, b)| *p *= a * b);
            }
        }
        for (j, q) in self.step_variance.iter().enumerate() {
            covariance[j * k + j] += q;
        }
    }

    /// Noise variance of a row in units of s^2.
    pub(crate) fn noise_at(&self, row: usize) -> f64 {
        self.noise.as_ref().map_or(1.0, |noise| noise[row])
    }

    /// `[column]`: what is left of a coefficient in the next row.
    pub(crate) fn transition(&self) -> &[f64] {
        self.transition
    }

    /// Infinite part of the covariance before the row's own return is seen; `None` once all is finite.
    pub(crate) fn predicted_diffuse(&self, row: usize) -> Option<&[f64]> {
        let k2 = self.panel.columns * self.panel.columns;
        match row {
            _ if row >= self.diffuse_rows => None,
            0 => Some(&self.initial_diffuse),
            _ => Some(&self.diffuse[(row - 1) * k2..row * k2]),
        }
    }

    /// Finite part of a diffuse row's gain.
    pub(crate) fn second_gain(&self, row: usize) -> &[f64] {
        let k = self.panel.columns;
        &self.second_gains[row * k..(row + 1) * k]
    }

    /// Runs backwards (Durbin and Koopman 2012, 4.4 and 5.3): N_{t-1} = x x' / F + L'N_t L, V_t = P_t - P_t N_{t-1} P_t.
    pub(crate) fn smooth(&self, wanted: bool) -> Smoothed {
        active_isa().vectorise(Backward { own: self, wanted })
    }
}

/// Gains and covariances of all rows, the first row first.
struct Forward<'r, 'p> {
    own: &'r mut Recursion<'p>,
    observed: &'r [bool],
    model: &'r KalmanModel,
}

impl Vectorise for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { own, observed, model } = self;
        let k = own.panel.columns;
        let mut covariance = own.initial.clone();
        let mut diffuse = own.initial_diffuse.clone();
        let mut unknown = model.initial_variance.iter().filter(|x| x.is_infinite()).count();
        let mut gain = vec![0.0; k];
        let mut moment = vec![0.0; k];
        for (row, &seen) in observed.iter().enumerate() {
            let was_diffuse = unknown > 0;
            if own.is_narrow() && !was_diffuse {
                return own.run_regular(observed, &covariance, row);
            }
            if row > 0 {
                own.advance(&mut covariance);
            }
            let noise = own.noise_at(row);
            let mut second = vec![0.0; if was_diffuse { k } else { 0 }];
            let step = if seen {
                let x = own.panel.design_row(row);
                let infinite = if was_diffuse { apply(&diffuse, x) } else { Vec::new() };
                let infinite_variance = dot(x, &infinite);
                symmetric_times(&covariance, x, &mut moment);
                let variance = noise + dot(x, &moment);
                if was_diffuse && infinite_variance > DIFFUSE_TOLERANCE * dot(x, x) {
                    for (j, gain) in gain.iter_mut().enumerate() {
                        *gain = infinite[j] / infinite_variance;
                        second[j] = (moment[j] - *gain * variance) / infinite_variance;
                    }
                    joseph(&mut diffuse, &gain, x, 0.0);
                    unknown -= 1;
                    if unknown == 0 {
                        diffuse.fill(0.0);
                    }
                    joseph(&mut covariance, &gain, x, noise);
                    Step::Diffuse {
                        variance: infinite_variance,
                    }
                } else {
                    for (gain, moment) in gain.iter_mut().zip(&moment) {
                        *gain = moment / variance;
                    }
                    if own.lean && !was_diffuse {
                        take_outer(&mut covariance, &moment, &gain);
                    } else {
                        joseph(&mut covariance, &gain, x, noise);
                    }
                    Step::Regular { variance }
                }
            } else {
                gain.fill(0.0);
                Step::Missing
            };
            own.gains[row * k..(row + 1) * k].copy_from_slice(&gain);
            if !own.lean || was_diffuse {
                own.filtered.extend_from_slice(&covariance);
            }
            if was_diffuse {
                own.second_gains.extend_from_slice(&second);
                own.diffuse.extend_from_slice(&diffuse);
                own.diffuse_rows = row + 1;
            }
            own.steps.push(step);
        }
    }
}

/// [`Recursion::smooth`].
struct Backward<'r, 'p> {
    own: &'r Recursion<'p>,
    wanted: bool,
}

impl Vectorise for Backward<'_, '_> {
    type Output = Smoothed;

    #[inline(always)]
    fn run(self) -> Smoothed {
        let Self { own, wanted } = self;
        let k = own.panel.columns;
        let mut out = Smoothed {
            covariance: vec![0.0; if wanted { own.panel.rows * k * k } else { 0 }],
            step_information: vec![0.0; k],
            initial_information: vec![0.0; k],
        };
        let mut n = Information::new(k);
        let mut rows = own.panel.rows;
        if own.is_narrow() {
            rows = own.diffuse_rows;
            [out.step_information, out.initial_information] = own.absorb_regular(&mut n.regular, rows);
        }
        for row in (0..rows).rev() {
            n.absorb(own, row);
            let sums = if row > 0 {
                &mut out.step_information
            } else {
                &mut out.initial_information
            };
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum += n.regular[j * k + j];
            }
            if wanted {
                let covariance = n.smoothed_covariance(&own.predicted(row), own.predicted_diffuse(row));
                out.covariance[row * k * k..(row + 1) * k * k].copy_from_slice(&covariance);
            }
        }
        out
    }
}

/// N0, N1 and N2 of the backward recursion; the last two only matter in diffuse rows.
struct Information {
    k: usize,
    regular: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Information {
    fn new(k: usize) -> Self {
        let zero = || vec![0.0; k * k];
        Self {
            k,
            regular: zero(),
            first: zero(),
            second: zero(),
        }
    }

    #[inline(always)]
    fn absorb(&mut self, recursion: &Recursion, row: usize) {
        let k = self.k;
        let x = recursion.panel.design_row(row);
        let gain = &recursion.gains[row * k..(row + 1) * k];
        self.advance(recursion.transition);
        match recursion.steps[row] {
            Step::Missing => {}
            Step::Regular { variance } => {
                if row < recursion.diffuse_rows {
                    // N1 L with L = I - gain x'.
                    let along = apply(&self.first, gain);
                    add_outer(&mut self.first, &along, x, -1.0);
                }
                wrap(&mut self.regular, gain, x, 1.0 / variance);
            }
            Step::Diffuse { variance } => {
                let finite = recursion.noise_at(row) + dot(x, &apply(&recursion.predicted(row), x));
                self.absorb_diffuse(x, gain, recursion.second_gain(row), variance, finite);
            }
        }
    }

    /// N <- T N T: back over the step to the next row.
    fn advance(&mut self, transition: &[f64]) {
        if transition.iter().all(|&phi| phi == 1.0) {
            return;
        }
        for n in [&mut self.regular, &mut self.first, &mut self.second] {
            for (row, a) in n.chunks_exact_mut(self.k).zip(transition) {
                row.iter_mut().zip(transition).for_each(|(n, b)| *n *= a * b);
            }
        }
    }

    /// With L0 = I - g x' and L1 = -s x' (g, s: both parts of the gain), multiplied out so that only products with vectors are
    /// left: N2 <- L0'N2 L0 + L0'N1 L1 + (L0'N1 L1)' + L1'N0 L1 - F x x' / Fd^2, N1 <- L0'N1 L0 + L1'N0 L0 + x x' / Fd,
    /// N0 <- L0'N0 L0.
    #[inline(always)]
    fn absorb_diffuse(&mut self, x: &[f64], gain: &[f64], second: &[f64], infinite: f64, finite: f64) {
        // L1'N0 L1 = (s'N0 s) x x', L1'N0 L0 = -x (N0 s - (s'N0 g) x)'.
        let n0_second = apply(&self.regular, second);
        let (both, own) = (dot(&n0_second, gain), dot(&n0_second, second));
        // L0'N1 L1 = -(N1 s - (g'N1 s) x) x'. N1 is not symmetric; its left index belongs to the infinite part.
        let n1_second = apply(&self.first, second);
        let crossed = dot(gain, &n1_second);
        wrap(
            &mut self.second,
            gain,
            x,
            own + 2.0 * crossed - finite / (infinite * infinite),
        );
        add_outer(&mut self.second, &n1_second, x, -1.0);
        add_outer(&mut self.second, x, &n1_second, -1.0);
        let (after, before) = (apply(&self.first, gain), combine_rows(&self.first, gain));
        let twice = dot(gain, &after);
        add_outer(&mut self.first, &after, x, -1.0);
        add_outer(&mut self.first, x, &before, -1.0);
        add_outer(&mut self.first, x, &n0_second, -1.0);
        add_outer(&mut self.first, x, x, twice + both + 1.0 / infinite);
        wrap(&mut self.regular, gain, x, 0.0);
    }

    /// P - P N0 P - (Pd N1 P) - (Pd N1 P)' - Pd N2 Pd with Pd the infinite part.
    #[inline(always)]
    fn smoothed_covariance(&self, p: &[f64], diffuse: Option<&[f64]>) -> Vec<f64> {
        let k = self.k;
        let mut out = p.to_vec();
        subtract(&mut out, &product(p, &product(&self.regular, p, k), k));
        if let Some(infinite) = diffuse {
            let cross = product(infinite, &product(&self.first, p, k), k);
            subtract(&mut out, &cross);
            subtract(&mut out, &transpose(&cross, k));
            subtract(&mut out, &product(infinite, &product(&self.second, infinite, k), k));
        }
        out
    }
}

#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn subtract(a: &mut [f64], b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
}

/// a += scale u v'.
#[inline(always)]
fn add_outer(a: &mut [f64], u: &[f64], v: &[f64], scale: f64) {
    for (row, u) in a.chunks_exact_mut(v.len().max(1)).zip(u) {
        for (a, v) in row.iter_mut().zip(v) {
            *a += scale * u * v;
        }
    }
}

/// a -= u v'.
#[inline(always)]
fn take_outer(a: &mut [f64], u: &[f64], v: &[f64]) {
    for (row, u) in a.chunks_exact_mut(v.len().max(1)).zip(u) {
        row.iter_mut().zip(v).for_each(|(a, v)| *a -= u * v);
    }
}

/// a'x.
#[inline(always)]
fn combine_rows(a: &[f64], x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    symmetric_times(a, x, &mut out);
    out
}

/// out = p x for a symmetric p (p'x for another), by rows, so that the inner loop runs over neighbours.
#[inline(always)]
fn symmetric_times(p: &[f64], x: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (row, &x) in p.chunks_exact(x.len().max(1)).zip(x) {
        for (out, p) in out.iter_mut().zip(row) {
            *out += p * x;
        }
    }
}

/// P <- (I - k x') P (I - k x')' + noise k k', as two rank-one products.
#[inline(always)]
fn joseph(p: &mut [f64], k: &[f64], x: &[f64], noise: f64) {
    let n = x.len();
    let mut along = vec![0.0; n];
    symmetric_times(p, x, &mut along);
    add_outer(p, k, &along, -1.0);
    for (row, &gain) in p.chunks_exact_mut(n.max(1)).zip(k) {
        let rest = dot(row, x) - noise * gain;
        for (p, k) in row.iter_mut().zip(k) {
            *p -= rest * k;
        }
    }
    // Rounding must not let the two triangles drift apart.
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (p[i * n + j] + p[j * n + i]);
            p[i * n + j] = mean;
            p[j * n + i] = mean;
        }
    }
}

/// N <- (I - k x')' N (I - k x') + weight x x'.
#[inline(always)]
fn wrap(n: &mut [f64], k: &[f64], x: &[f64], weight: f64) {
    let mut along = vec![0.0; x.len()];
    symmetric_times(n, k, &mut along);
    // x w' + w x' with w = half x - N k.
    let half = 0.5 * (weight + dot(k, &along));
    along
        .iter_mut()
        .zip(x)
        .for_each(|(along, x)| *along = half * x - *along);
    for ((row, a), b) in n.chunks_exact_mut(x.len().max(1)).zip(x).zip(&along) {
        for ((n, x), w) in row.iter_mut().zip(x).zip(&along) {
            *n += a * w + b * x;
        }
    }
}
