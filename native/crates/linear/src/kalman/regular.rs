//! The part of a likelihood's recursions in which nothing is diffuse: rows of K x K matrices padded to whole vector
//! registers, and widths that the compiler knows.

use macrograd_simd::Vectorise;

use super::recursion::{Recursion, Step};
use crate::parallel::active_isa;

/// float64 of a register.
const PART: usize = 4;

/// Most columns that widths are made for; wider models take the general recursion.
pub(super) const MOST_COLUMNS: usize = 32;

/// Runs `$work::<W>`, a [`Vectorise`], with the least W, a multiple of [`PART`], that holds all columns.
macro_rules! at_width {
    ($columns:expr, $work:ident $fields:tt) => {
        match $columns.div_ceil(PART) {
            0 | 1 => active_isa().vectorise($work::<4> $fields),
            2 => active_isa().vectorise($work::<8> $fields),
            3 => active_isa().vectorise($work::<12> $fields),
            4 => active_isa().vectorise($work::<16> $fields),
            5 => active_isa().vectorise($work::<20> $fields),
            6 => active_isa().vectorise($work::<24> $fields),
            7 => active_isa().vectorise($work::<28> $fields),
            _ => active_isa().vectorise($work::<MOST_COLUMNS> $fields),
        }
    };
}

impl Recursion<'_> {
    /// Steps and gains of the rows from `first` on, from the finite covariance of the row before (of the start).
    pub(super) fn run_regular(&mut self, observed: &[bool], covariance: &[f64], first: usize) {
        at_width!(
            self.columns(),
            Forward {
                recursion: self,
                observed,
                covariance,
                first
            }
        );
    }

    /// Takes in the rows from `first` on, the last first; returns the diagonal sums of N: of steps, of the start.
    pub(super) fn absorb_regular(&self, n: &mut [f64], first: usize) -> [Vec<f64>; 2] {
        at_width!(
            self.columns(),
            Backward {
                recursion: self,
                n,
                first
            }
        )
    }
}

/// P <- P - m m' / F with m = P x: one symmetric product and one outer product a row.
struct Forward<'r, 'p, const W: usize> {
    recursion: &'r mut Recursion<'p>,
    observed: &'r [bool],
    covariance: &'r [f64],
    first: usize,
}

impl<const W: usize> Vectorise for Forward<'_, '_, W> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (run, observed) = (self.recursion, self.observed);
        let k = run.columns();
        let mut p: Vec<[f64; W]> = padded(self.covariance, k);
        let carried: [f64; W] = pad(run.transition());
        let walks = run.transition().iter().all(|&phi| phi == 1.0);
        for (row, &observed) in observed.iter().enumerate().skip(self.first) {
            if row > 0 {
                if !walks {
                    carry(&mut p, &carried);
                }
                for (j, (p, q)) in p.iter_mut().zip(run.step_variance()).enumerate() {
                    p[j] += q;
                }
            }
            if !observed {
                run.steps.push(Step::Missing);
                continue;
            }
            let x = run.design_row(row);
            let moment = times(&p, x);
            let variance = 1.0 + inner(&moment, &pad(x));
            let mut gain = moment;
            gain.iter_mut().for_each(|gain| *gain /= variance);
            for (p, &m) in p.iter_mut().zip(&moment) {
                for at in 0..W {
                    p[at] -= m * gain[at];
                }
            }
            run.gains[row * k..(row + 1) * k].copy_from_slice(&gain[..k]);
            run.steps.push(Step::Regular { variance });
        }
    }
}

/// N <- x x' / F + (I - g x')' N (I - g x') = N + x w' + w x', w = (1/F + g'N g) x / 2 - N g.
struct Backward<'r, 'p, const W: usize> {
    recursion: &'r Recursion<'p>,
    n: &'r mut [f64],
    first: usize,
}

impl<const W: usize> Vectorise for Backward<'_, '_, W> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn run(self) -> [Vec<f64>; 2] {
        let (run, first) = (self.recursion, self.first);
        let k = run.columns();
        let mut own: Vec<[f64; W]> = padded(self.n, k);
        let carried: [f64; W] = pad(run.transition());
        let walks = run.transition().iter().all(|&phi| phi == 1.0);
        let mut sums = [vec![0.0; k], vec![0.0; k]];
        for row in (first..run.steps.len()).rev() {
            if !walks {
                carry(&mut own, &carried);
            }
            if let Step::Regular { variance } = run.steps[row] {
                let gain = &run.gains[row * k..(row + 1) * k];
                let along = times(&own, gain);
                let half = 0.5 * (1.0 / variance + inner(&along, &pad(gain)));
                let x: [f64; W] = pad(run.design_row(row));
                let mut w = [0.0; W];
                for at in 0..W {
                    w[at] = half * x[at] - along[at];
                }
                for (i, n) in own.iter_mut().enumerate() {
                    let (a, b) = (x[i], w[i]);
                    for at in 0..W {
                        n[at] += a * w[at] + b * x[at];
                    }
                }
            }
            let sum = &mut sums[usize::from(row == 0)];
            for (j, (sum, n)) in sum.iter_mut().zip(&own).enumerate() {
                *sum += n[j];
            }
        }
        for (n, own) in self.n.chunks_exact_mut(k).zip(&own) {
            n.copy_from_slice(&own[..k]);
        }
        sums
    }
}

#[inline(always)]
fn pad<const W: usize>(values: &[f64]) -> [f64; W] {
    let mut out = [0.0; W];
    out[..values.len()].copy_from_slice(values);
    out
}

fn padded<const W: usize>(matrix: &[f64], k: usize) -> Vec<[f64; W]> {
    matrix.chunks_exact(k.max(1)).map(pad).collect()
}

/// T P T.
#[inline(always)]
fn carry<const W: usize>(p: &mut [[f64; W]], transition: &[f64; W]) {
    for (row, a) in p.iter_mut().zip(transition) {
        for at in 0..W {
            row[at] *= a * transition[at];
        }
    }
}

/// P x of a symmetric P, by rows.
#[inline(always)]
fn times<const W: usize>(p: &[[f64; W]], x: &[f64]) -> [f64; W] {
    let mut out = [0.0; W];
    for (row, x) in p.iter().zip(x) {
        for at in 0..W {
            out[at] += x * row[at];
        }
    }
    out
}

#[inline(always)]
fn inner<const W: usize>(a: &[f64; W], b: &[f64; W]) -> f64 {
    let mut sums = [0.0; PART];
    for (a, b) in a.as_chunks::<PART>().0.iter().zip(b.as_chunks::<PART>().0) {
        for at in 0..PART {
            sums[at] += a[at] * b[at];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
