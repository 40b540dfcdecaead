//! tanh and the logistic function to about 30 digits: the reference for float64. Numbers are sums of two float64s
//! (Dekker 1971; the error-free sums and products are those of Ogita, Rump and Oishi 2005).

use std::ops::{Add, Div, Mul, Sub};

/// `high + low`, with |low| at most half a unit in the last place of `high`.
#[derive(Debug, Clone, Copy)]
pub struct Double {
    pub high: f64,
    pub low: f64,
}

/// ln 2 to 107 bits.
const LN2: Double = Double {
    high: std::f64::consts::LN_2,
    low: 2.319_046_813_846_299_6e-17,
};

impl Double {
    pub const fn new(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    /// a + b where |a| >= |b|.
    fn fast_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        Self {
            high,
            low: b - (high - a),
        }
    }

    fn exact_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let shadow = high - a;
        Self {
            high,
            low: (a - (high - shadow)) + (b - shadow),
        }
    }

    fn exact_product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self {
            high,
            low: a.mul_add(b, -high),
        }
    }

    /// Times a power of two that overflows nothing.
    fn scale(self, power: f64) -> Self {
        Self {
            high: self.high * power,
            low: self.low * power,
        }
    }

    /// `self` - x, rounded to float64.
    pub fn minus(self, x: f64) -> f64 {
        (self.high - x) + self.low
    }
}

impl Add for Double {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (
            Self::exact_sum(self.high, other.high),
            Self::exact_sum(self.low, other.low),
        );
        let sum = Self::fast_sum(high.high, high.low + low.high);
        Self::fast_sum(sum.high, sum.low + low.low)
    }
}

impl Sub for Double {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + other.scale(-1.0)
    }
}

impl Mul for Double {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = Self::exact_product(self.high, other.high);
        let cross = self.high.mul_add(other.low, self.low * other.high);
        Self::fast_sum(product.high, product.low + cross)
    }
}

impl Div for Double {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::new(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::new(second);
        Self::fast_sum(first, second) + Self::new(rest.high / other.high)
    }
}

/// e^r - 1 for |r| <= 1/2, by its Taylor sum: the term after the last is below 2^-28 / 28! = 1e-38.
fn small_exp_minus_one(r: Double) -> Double {
    let sum = (2..=27).rev().fold(Double::new(1.0), |sum, k| {
        Double::new(1.0) + sum * r / Double::new(f64::from(k))
    });
    sum * r
}

/// e^y - 1 for 0 <= y <= 700.
fn exp_minus_one(y: f64) -> Double {
    if y <= 0.5 {
        return small_exp_minus_one(Double::new(y));
    }
    let n = (y * std::f64::consts::LOG2_E).round();
    let rest = Double::new(y) - LN2 * Double::new(n);
    let exp = (small_exp_minus_one(rest) + Double::new(1.0)).scale(2.0_f64.powi(n as i32));
    exp - Double::new(1.0)
}

/// tanh x.
pub fn tanh(x: f64) -> Double {
    let m = exp_minus_one(2.0 * x.abs().min(350.0));
    (m / (m + Double::new(2.0))).scale(1.0_f64.copysign(x))
}

/// sigmoid(2 x) for x >= -350, which it takes smaller numbers for.
pub fn sigmoid_of_half(x: f64) -> Double {
    let m = exp_minus_one(2.0 * x.abs().min(350.0));
    let numerator = if x > 0.0 {
        m + Double::new(1.0)
    } else {
        Double::new(1.0)
    };
    numerator / (m + Double::new(2.0))
}
