use crate::Panel;
use crate::qr::PivotedQr;
use crate::small::{infinity_norm, invert_spd};

/// Cross-products are solved directly up to this condition number (of the scaled Gram matrix; 10^3 for the design):
/// the relative error stays near 10^6 eps = 2e-10. Beyond it the rows themselves are factorised.
const GRAM_CONDITION_LIMIT: f64 = 1e6;

/// Least-squares solution operator of one design, ready for many right-hand sides.
#[derive(Debug, Clone)]
pub(crate) struct Solver {
    /// (X'WX)^-1 over the kept columns, 0 in rows and columns of dropped ones.
    pub inverse: Vec<f64>,
    /// `[column]`: false where a column depends on columns before it.
    pub kept: Vec<bool>,
    /// Estimated condition number of the scaled weighted design; infinite when a column was dropped.
    pub condition: f64,
    /// Set for badly conditioned designs: coefficients are sums over rows instead of (X'WX)^-1 X'Wy.
    pub projector: Option<Projector>,
}

/// b = sum over rows of `matrix[row]` y[row].
#[derive(Debug, Clone)]
pub(crate) struct Projector {
    pub rows: Vec<usize>,
    /// `[row][column]`.
    pub matrix: Vec<f64>,
}

impl Solver {
    /// Solver from the Gram matrix X'WX; `rows` (row, weight) is asked for only if that is not accurate enough.
    pub(crate) fn new(gram: &[f64], panel: &Panel, rows: impl FnOnce() -> Vec<(usize, f64)>) -> Self {
        let k = panel.columns;
        let nonzero: Vec<usize> = (0..k).filter(|&j| gram[j * k + j] > 0.0).collect();
        if let Some(solver) = Self::from_gram(gram, k, &nonzero) {
            return solver;
        }
        let rows = rows();
        let design = (0..k)
            .flat_map(|column| {
                rows.iter()
                    .map(move |&(row, weight)| weight.sqrt() * panel.design_row(row)[column])
            })
            .collect();
        let qr = PivotedQr::new(design, rows.len(), k);
        let fewer = (qr.rank() < nonzero.len())
            .then(|| Self::from_gram(gram, k, &qr.kept))
            .flatten();
        fewer.unwrap_or_else(|| Self::from_qr(&qr, k, &rows))
    }

    pub(crate) fn rank(&self) -> usize {
        self.kept.iter().filter(|&&kept| kept).count()
    }

    /// `None` when the kept part is not positive definite or worse conditioned than the limit.
    fn from_gram(gram: &[f64], k: usize, kept: &[usize]) -> Option<Self> {
        let rank = kept.len();
        // Reciprocals: products are cheaper than divisions.
        let scale: Vec<f64> = kept.iter().map(|&j| 1.0 / gram[j * k + j].sqrt()).collect();
        let mut scaled = Vec::with_capacity(rank * rank);
        for (&i, &own) in kept.iter().zip(&scale) {
            let row = &gram[i * k..(i + 1) * k];
            scaled.extend(kept.iter().zip(&scale).map(|(&j, other)| row[j] * (own * other)));
        }
        let inverse = invert_spd(&scaled, rank)?;
        let condition = infinity_norm(&scaled, rank) * infinity_norm(&inverse, rank);
        if condition.is_nan() || condition > GRAM_CONDITION_LIMIT {
            return None;
        }
        let mut full = vec![0.0; k * k];
        for (i, &column) in kept.iter().enumerate() {
            for (j, &other) in kept.iter().enumerate() {
                full[column * k + other] = inverse[i * rank + j] * (scale[i] * scale[j]);
            }
        }
        let condition = if rank < k { f64::INFINITY } else { condition.sqrt() };
        Some(Self {
            inverse: full,
            kept: flags(kept, k),
            condition,
            projector: None,
        })
    }

    fn from_qr(qr: &PivotedQr, k: usize, rows: &[(usize, f64)]) -> Self {
        let rank = qr.rank();
        let mut inverse = vec![0.0; k * k];
        for (i, &column) in qr.kept.iter().enumerate() {
            for (j, &other) in qr.kept.iter().enumerate() {
                inverse[column * k + other] = (0..rank)
                    .map(|l| qr.r_inverse[i * rank + l] * qr.r_inverse[j * rank + l])
                    .sum();
            }
        }
        let mut matrix = vec![0.0; rows.len() * k];
        for (at, &(_, weight)) in rows.iter().enumerate() {
            for (i, &column) in qr.kept.iter().enumerate() {
                let sum: f64 = (i..rank)
                    .map(|l| qr.r_inverse[i * rank + l] * qr.q[l * qr.rows + at])
                    .sum();
                matrix[at * k + column] = sum * weight.sqrt();
            }
        }
        let projector = Projector {
            rows: rows.iter().map(|&(row, _)| row).collect(),
            matrix,
        };
        Self {
            inverse,
            kept: flags(&qr.kept, k),
            condition: qr.condition,
            projector: Some(projector),
        }
    }
}

fn flags(kept: &[usize], k: usize) -> Vec<bool> {
    let mut flags = vec![false; k];
    kept.iter().for_each(|&j| flags[j] = true);
    flags
}
