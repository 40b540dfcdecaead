/// Share of a row that a start gives to its own regime.
const OWN: f64 = 0.85;

/// Rows over which absolute residuals are averaged to tell calm from turbulent stretches.
const STRETCH: usize = 6;

/// The start whose regimes need not last.
const BY_ROW: usize = 3;

/// Whether a start takes regimes to last.
pub(super) fn lasting(number: usize) -> bool {
    number != BY_ROW
}

/// Weights `[row][regime]` to start from: calm and turbulent stretches, early and late rows, low and high
/// rows, calm and turbulent rows by themselves (regimes need not last), then drawn stretches.
pub(super) fn start_weights(number: usize, residuals: &[f64], regimes: usize, seed: u64) -> Vec<f64> {
    let rows = residuals.len();
    let labels: Vec<usize> = match number {
        0 => by_rank(&stretches(residuals), regimes),
        1 => (0..rows).map(|row| row * regimes / rows.max(1)).collect(),
        2 => by_rank(residuals, regimes),
        BY_ROW => by_rank(&residuals.iter().map(|e| e.abs()).collect::<Vec<_>>(), regimes),
        _ => drawn(rows, regimes, seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
    };
    let rest = (1.0 - OWN) / (regimes - 1) as f64;
    let weight = |label: usize| (0..regimes).map(move |regime| if regime == label { OWN } else { rest });
    labels.into_iter().flat_map(weight).collect()
}

/// Means of absolute residuals around each row.
fn stretches(residuals: &[f64]) -> Vec<f64> {
    let mean = |row: usize| {
        let near = &residuals[row.saturating_sub(STRETCH)..(row + STRETCH + 1).min(residuals.len())];
        near.iter().map(|e| e.abs()).sum::<f64>() / near.len() as f64
    };
    (0..residuals.len()).map(mean).collect()
}

/// Equal parts by rank.
fn by_rank(values: &[f64], regimes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut labels = vec![0; values.len()];
    for (rank, &row) in order.iter().enumerate() {
        labels[row] = rank * regimes / values.len();
    }
    labels
}

/// Stretches of 1 to 40 rows, each of a drawn regime.
fn drawn(rows: usize, regimes: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut labels = Vec::with_capacity(rows);
    while labels.len() < rows {
        let label = next(regimes);
        let length = 1 + next(40);
        labels.extend(std::iter::repeat_n(label, length.min(rows - labels.len())));
    }
    labels
}
