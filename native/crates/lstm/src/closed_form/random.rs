//! Seeded random numbers: xoshiro256++ (Blackman and Vigna 2021) and standard normals by the ziggurat method
//! (Marsaglia and Tsang 2000, with the independent draws of Doornik 2005).

/// Right edge of the ziggurat's base layer and area of each of its layers, for 128 layers (Doornik 2005).
const EDGE: f64 = 3.442_619_855_899;
const AREA: f64 = 9.912_563_035_262_17e-3;
const LAYERS: usize = 128;

/// A stream of random numbers, the same on every machine for the same seed and stream.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
    edges: [f64; LAYERS + 1],
    /// Density at each edge.
    heights: [f64; LAYERS + 1],
}

impl Random {
    /// Stream number `stream` of `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut x = seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        // splitmix64 fills the state from one number.
        let state = std::array::from_fn(|_| {
            x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        });
        let mut edges = [0.0; LAYERS + 1];
        edges[0] = AREA / density(EDGE);
        edges[1] = EDGE;
        for i in 2..LAYERS {
            edges[i] = (-2.0 * (AREA / edges[i - 1] + density(edges[i - 1])).ln()).sqrt();
        }
        let heights = edges.map(density);
        Self { state, edges, heights }
    }

    /// Next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// Uniform on (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        loop {
            let bits = self.bits();
            let layer = (bits & 127) as usize;
            // The upper 52 bits, on (-1, 1); they share no bit with the layer.
            let u = 2.0 * (((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64) - 1.0;
            let x = u * self.edges[layer];
            if x.abs() < self.edges[layer + 1] {
                return x;
            }
            if layer == 0 {
                return self.tail().copysign(u);
            }
            let (outer, inner) = (self.heights[layer], self.heights[layer + 1]);
            if outer + self.uniform() * (inner - outer) < density(x) {
                return x;
            }
        }
    }

    /// A normal beyond the edge (Marsaglia 1964).
    fn tail(&mut self) -> f64 {
        loop {
            let x = -self.uniform().ln() / EDGE;
            if -2.0 * self.uniform().ln() >= x * x {
                return EDGE + x;
            }
        }
    }
}

/// The normal density up to its constant.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_and_tails_of_the_normal_distribution() {
        let mut random = Random::new(7, 3);
        let count = 400_000;
        let values: Vec<f64> = (0..count).map(|_| random.normal()).collect();
        let moment = |p: i32| values.iter().map(|x| x.powi(p)).sum::<f64>() / f64::from(count);
        let beyond = |edge: f64| values.iter().filter(|x| x.abs() > edge).count() as f64 / f64::from(count);
        // Five standard errors each: the SDs of x, x^2, x^4 are 1, 1.41, 9.8.
        let bound = |sd: f64| 5.0 * sd / f64::from(count).sqrt();
        assert!(moment(1).abs() < bound(1.0));
        assert!((moment(2) - 1.0).abs() < bound(1.42));
        assert!((moment(4) - 3.0).abs() < bound(9.8));
        assert!((beyond(1.96) - 0.05).abs() < bound(0.22));
        assert!((beyond(3.6) - 3.182e-4).abs() < bound(0.018));
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        assert_ne!(Random::new(1, 0).bits(), Random::new(1, 1).bits());
        assert_eq!(Random::new(1, 1).bits(), Random::new(1, 1).bits());
    }
}
