//! Dual numbers: a value and its derivative in one direction, so that any kernel also computes how its results change.
//!
//! With e^2 = 0, f(x + e dx) = f(x) + e f'(x) dx: running a forward pass on them gives a Jacobian-vector product, running
//! a backward pass on them gives second derivatives (forward over reverse).

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::isa::Isa;
use crate::real::Real;
use crate::vector::{Kernel, MAX_LANES, Simd};

/// A number and its derivative.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Dual<T> {
    /// The number.
    pub value: T,
    /// Its derivative in the chosen direction.
    pub tangent: T,
}

impl<T: Real> Dual<T> {
    /// A number that moves at rate `tangent`.
    #[must_use]
    pub fn new(value: T, tangent: T) -> Self {
        Self { value, tangent }
    }

    /// A number that does not move.
    #[must_use]
    pub fn constant(value: T) -> Self {
        Self::new(value, T::ZERO)
    }
}

impl<T: Real> fmt::Display for Dual<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}e", self.value, self.tangent)
    }
}

impl<T: Real> Add for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.value + other.value, self.tangent + other.tangent)
    }
}

impl<T: Real> Sub for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.value - other.value, self.tangent - other.tangent)
    }
}

impl<T: Real> Mul for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let tangent = self.value * other.tangent + self.tangent * other.value;
        Self::new(self.value * other.value, tangent)
    }
}

impl<T: Real> Div for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self::new(value, (self.tangent - value * other.tangent) / other.value)
    }
}

impl<T: Real> Neg for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.value, -self.tangent)
    }
}

impl<T: Real> AddAssign for Dual<T> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<T: Real> SubAssign for Dual<T> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<T: Real> MulAssign for Dual<T> {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<T: Real> Sum for Dual<T> {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::ZERO, Add::add)
    }
}

impl<T: Real> Real for Dual<T> {
    const ZERO: Self = Self {
        value: T::ZERO,
        tangent: T::ZERO,
    };
    const ONE: Self = Self {
        value: T::ONE,
        tangent: T::ZERO,
    };
    const PARTS: usize = 2;
    const EPSILON: Self = Self {
        value: T::EPSILON,
        tangent: T::ZERO,
    };

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Self::constant(T::from_f64(x))
    }
    /// The value alone.
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let tanh = self.value.tanh();
        Self::new(tanh, (T::ONE - tanh * tanh) * self.tangent)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let exp = self.value.exp();
        Self::new(exp, exp * self.tangent)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        Self::new(root, self.tangent / (root + root))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.copy_sign(Self::ONE)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.tangent.is_finite()
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.value.is_nan() || self.tangent.is_nan()
    }
    #[inline(always)]
    fn copy_sign(self, sign: Self) -> Self {
        let value = self.value.copy_sign(sign.value);
        let turned = value != self.value;
        Self::new(value, if turned { -self.tangent } else { self.tangent })
    }
    /// Of a number that does not move: the bits' pattern has no derivative.
    #[inline(always)]
    fn exponent_from_low_bits(self) -> Self {
        Self::constant(self.value.exponent_from_low_bits())
    }
    #[inline(always)]
    fn tanh_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V {
        map_lanes(simd, x, Self::tanh)
    }
    #[inline(always)]
    fn sigmoid_of_half_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V {
        let half = Self::from_f64(0.5);
        map_lanes(simd, x, |x| half * x.tanh() + half)
    }
    fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
        T::dispatch(isa, OnDuals(kernel))
    }
}

/// Applies a function to every lane; vectors of duals do better, see [`Pairs`].
#[inline(always)]
fn map_lanes<T: Real, S: Simd<T>>(simd: S, x: S::V, function: impl Fn(T) -> T) -> S::V {
    let mut lanes = [T::ZERO; MAX_LANES];
    simd.store(x, &mut lanes);
    lanes[..S::LANES].iter_mut().for_each(|x| *x = function(*x));
    simd.load(&lanes)
}

/// A kernel of dual numbers as one of plain numbers.
struct OnDuals<K>(K);

impl<T: Real, K: Kernel<Dual<T>>> Kernel<T> for OnDuals<K> {
    type Output = K::Output;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> K::Output {
        self.0.run(Pairs(simd))
    }
}

/// Vectors of dual numbers: one vector of values, one of tangents.
#[derive(Clone, Copy)]
struct Pairs<S>(S);

impl<T: Real, S: Simd<T>> Simd<Dual<T>> for Pairs<S> {
    type V = (S::V, S::V);
    const LANES: usize = S::LANES;
    const WIDE: bool = S::WIDE;

    #[inline(always)]
    fn splat(self, x: Dual<T>) -> Self::V {
        (self.0.splat(x.value), self.0.splat(x.tangent))
    }
    #[inline(always)]
    fn load(self, numbers: &[Dual<T>]) -> Self::V {
        let numbers = &numbers[..S::LANES];
        let (mut values, mut tangents) = ([T::ZERO; MAX_LANES], [T::ZERO; MAX_LANES]);
        for lane in 0..S::LANES {
            values[lane] = numbers[lane].value;
            tangents[lane] = numbers[lane].tangent;
        }
        (self.0.load(&values), self.0.load(&tangents))
    }
    #[inline(always)]
    fn store(self, x: Self::V, out: &mut [Dual<T>]) {
        let (mut values, mut tangents) = ([T::ZERO; MAX_LANES], [T::ZERO; MAX_LANES]);
        self.0.store(x.0, &mut values);
        self.0.store(x.1, &mut tangents);
        for (lane, out) in out[..S::LANES].iter_mut().enumerate() {
            *out = Dual::new(values[lane], tangents[lane]);
        }
    }
    #[inline(always)]
    unsafe fn load_pointer(self, numbers: *const Dual<T>) -> Self::V {
        // SAFETY: the caller vouches for a whole vector of readable numbers.
        self.load(unsafe { std::slice::from_raw_parts(numbers, S::LANES) })
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        (self.0.add(a.0, b.0), self.0.add(a.1, b.1))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        (self.0.sub(a.0, b.0), self.0.sub(a.1, b.1))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.0;
        (s.mul(a.0, b.0), s.mul_add(a.0, b.1, s.mul(a.1, b.0)))
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.0;
        let value = s.div(a.0, b.0);
        (value, s.div(s.neg_mul_add(value, b.1, a.1), b.0))
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let s = self.0;
        (s.mul_add(a.0, b.0, c.0), s.mul_add(a.0, b.1, s.mul_add(a.1, b.0, c.1)))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let s = self.0;
        let tangent = s.neg_mul_add(a.0, b.1, s.neg_mul_add(a.1, b.0, c.1));
        (s.neg_mul_add(a.0, b.0, c.0), tangent)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        choose(self, a, b, |a, b| a < b)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        choose(self, a, b, |a, b| a > b)
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        map_lanes(self, a, Dual::abs)
    }
    #[inline(always)]
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V {
        let (mut magnitudes, mut signs) = ([Dual::ZERO; MAX_LANES], [Dual::ZERO; MAX_LANES]);
        self.store(a, &mut magnitudes);
        self.store(b, &mut signs);
        for lane in 0..S::LANES {
            magnitudes[lane] = magnitudes[lane].copy_sign(signs[lane]);
        }
        self.load(&magnitudes)
    }
    #[inline(always)]
    fn exponent_from_low_bits(self, a: Self::V) -> Self::V {
        (self.0.exponent_from_low_bits(a.0), self.0.splat(T::ZERO))
    }
    /// d tanh = 1 - tanh^2.
    #[inline(always)]
    fn tanh(self, a: Self::V) -> Self::V {
        let s = self.0;
        let tanh = s.tanh(a.0);
        (tanh, s.mul(s.neg_mul_add(tanh, tanh, s.splat(T::ONE)), a.1))
    }
    /// d sigmoid(2 x) = 2 sigmoid (1 - sigmoid).
    #[inline(always)]
    fn sigmoid_of_half(self, a: Self::V) -> Self::V {
        let s = self.0;
        let sigmoid = s.sigmoid_of_half(a.0);
        let twice = s.add(sigmoid, sigmoid);
        (sigmoid, s.mul(s.neg_mul_add(twice, sigmoid, twice), a.1))
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> Dual<T> {
        Dual::new(self.0.sum(a.0), self.0.sum(a.1))
    }
}

/// Lane by lane the one of two numbers that `first` prefers by its value; b where neither is.
#[inline(always)]
fn choose<T: Real, S: Simd<Dual<T>>>(simd: S, a: S::V, b: S::V, first: impl Fn(T, T) -> bool) -> S::V {
    let (mut one, mut other) = ([Dual::ZERO; MAX_LANES], [Dual::ZERO; MAX_LANES]);
    simd.store(a, &mut one);
    simd.store(b, &mut other);
    for lane in 0..S::LANES {
        if !first(one[lane].value, other[lane].value) {
            one[lane] = other[lane];
        }
    }
    simd.load(&one)
}
