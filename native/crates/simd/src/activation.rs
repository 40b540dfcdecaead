//! Hyperbolic tangent and logistic function on vectors.

use crate::{Real, Simd};

/// tanh within 7 units in the last place: x P(x^2) / Q(x^2), never beyond 1.
///
/// P and Q are of degree 4 each, fitted by reweighted least squares of the relative error on [0, 9] at 400 Chebyshev
/// nodes; their own error is 2.1e-8. All coefficients are positive, so that nothing cancels. Above 9, where float32 rounds
/// to 1, x^2 is held and the quotient grows with x, so that the bound on the result alone gives exactly 1.
///
/// All vectors go through each step together: one alone waits for its own last result most of the time.
#[inline(always)]
pub(crate) fn tanh_each_f32<S: Simd<f32>, const N: usize>(s: S, mut x: [S::V; N]) -> [S::V; N] {
    const LIMIT: f32 = 81.0;
    const P: [f32; 5] = [
        0.999_999_98,
        0.133_810_19,
        3.495_578_3e-3,
        2.060_885_2e-5,
        1.335_423_9e-8,
    ];
    const Q: [f32; 5] = [1.0, 0.467_143_35, 2.587_695e-2, 3.285_615_6e-4, 7.776_406e-7];
    let mut u = x;
    for u in &mut u {
        // The order of operands keeps a NaN.
        *u = s.min(s.splat(LIMIT), s.mul(*u, *u));
    }
    let p = polynomials(s, &P, u);
    for (x, p) in x.iter_mut().zip(p) {
        *x = s.mul(*x, p);
    }
    let q = polynomials(s, &Q, u);
    for (x, q) in x.iter_mut().zip(q) {
        *x = s.max(s.splat(-1.0), s.min(s.splat(1.0), s.div(*x, q)));
    }
    x
}

/// [`tanh_each_f32`] of one vector.
#[inline(always)]
pub(crate) fn tanh_f32<S: Simd<f32>>(s: S, x: S::V) -> S::V {
    let [tanh] = tanh_each_f32(s, [x]);
    tanh
}

/// Activations of a unit's gates i, f, g, o, the arguments of i, f and o halved: bits are those of
/// [`sigmoid_of_half_f32`] and [`tanh_f32`].
#[inline(always)]
pub(crate) fn gates_f32<S: Simd<f32>>(s: S, x: [S::V; 4]) -> [S::V; 4] {
    let half = s.splat(0.5);
    let mut gates = tanh_each_f32(s, x);
    for gate in [0, 1, 3] {
        gates[gate] = s.mul_add(half, gates[gate], half);
    }
    gates
}

/// (1 + tanh x) / 2 = sigmoid(2 x), within 4 2^-24: 4 units in the last place above 1/2, an absolute error below.
#[inline(always)]
pub(crate) fn sigmoid_of_half_f32<S: Simd<f32>>(s: S, x: S::V) -> S::V {
    let half = s.splat(0.5);
    s.mul_add(half, tanh_f32(s, x), half)
}

/// tanh within 4 units in the last place: m / (m + 2) with m = e^2|x| - 1.
#[inline(always)]
pub(crate) fn tanh_f64<S: Simd<f64>>(s: S, x: S::V) -> S::V {
    let m = exp_minus_one_of_twice(s, x);
    s.copy_sign(s.div(m, s.add(m, s.splat(2.0))), x)
}

/// sigmoid(2 x) within 4 units in the last place, however small it is: (m + 1) / (m + 2) for positive x, 1 / (m + 2) for
/// negative, with m = e^2|x| - 1. So the derivative of a gate that is shut keeps its digits, down to x = -350.
#[inline(always)]
pub(crate) fn sigmoid_of_half_f64<S: Simd<f64>>(s: S, x: S::V) -> S::V {
    let m = exp_minus_one_of_twice(s, x);
    let one = s.splat(1.0);
    // max(1, -(m + 1)) is 1: a choice by the sign of x without a branch.
    let numerator = s.max(one, s.copy_sign(s.add(m, one), x));
    s.div(numerator, s.add(m, s.splat(2.0)))
}

/// e^2|x| - 1 for |x| up to 350, and its value there beyond.
///
/// 2|x| = n ln 2 + r with |r| <= ln 2 / 2, and the result is 2^n (e^r - 1) + (2^n - 1), in which nothing cancels since
/// 2|x| >= 0. e^r - 1 is its Taylor sum to r^13, whose error is below 2e-17 relative.
#[inline(always)]
fn exp_minus_one_of_twice<S: Simd<f64>>(s: S, x: S::V) -> S::V {
    const LIMIT: f64 = 350.0;
    /// 1.5 2^52 + 1023: added to a small number, rounds it to an integer whose biased exponent stands in the low bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0 + 1023.0;
    /// ln 2 in two parts (fdlibm's): n times the first is exact for |n| < 2^20.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    /// 1 / (k + 1)! for k = 0, 1, ...: (e^r - 1) / r.
    const TAYLOR: [f64; 13] = [
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    // The order of operands keeps a NaN.
    let magnitude = s.min(s.splat(LIMIT), s.abs(x));
    let y = s.add(magnitude, magnitude);
    let rounded = s.mul_add(y, s.splat(std::f64::consts::LOG2_E), s.splat(ROUNDER));
    let n = s.sub(rounded, s.splat(ROUNDER));
    let r = s.neg_mul_add(n, s.splat(LN2_LOW), s.neg_mul_add(n, s.splat(LN2_HIGH), y));
    let power = s.exponent_from_low_bits(rounded);
    s.mul_add(power, s.mul(r, polynomial(s, &TAYLOR, r)), s.sub(power, s.splat(1.0)))
}

/// c0 + c1 x + c2 x^2 + ... of every vector, by Horner's rule.
#[inline(always)]
fn polynomials<T: Real, S: Simd<T>, const N: usize, const C: usize>(
    s: S,
    coefficients: &[T; C],
    x: [S::V; N],
) -> [S::V; N] {
    let mut sums = [s.splat(coefficients[C - 1]); N];
    for k in (0..C - 1).rev() {
        let coefficient = s.splat(coefficients[k]);
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum = s.mul_add(*sum, x, coefficient);
        }
    }
    sums
}

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
#[inline(always)]
fn polynomial<T: Real, S: Simd<T>, const N: usize>(s: S, coefficients: &[T; N], x: S::V) -> S::V {
    let mut sum = s.splat(coefficients[N - 1]);
    for k in (0..N - 1).rev() {
        sum = s.mul_add(sum, x, s.splat(coefficients[k]));
    }
    sum
}
