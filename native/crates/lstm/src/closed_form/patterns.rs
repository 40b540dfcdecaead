//! Assets grouped by the rows on which their returns are observed.

use std::collections::HashMap;

/// Standardised returns, `[row][asset]` row-major, NaN where missing.
#[derive(Debug, Clone, Copy)]
pub struct Returns<'a> {
    /// Values, `[row][asset]`.
    pub values: &'a [f64],
    /// Number of assets.
    pub assets: usize,
}

/// Assets observed on the same rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Rows that count for these assets, ascending.
    pub rows: Vec<usize>,
    /// The assets, ascending.
    pub assets: Vec<usize>,
}

/// Share of all observations that merging may lose before it stops at [`HARD_FACTOR`] times the limit.
const LOSS_ALLOWED: f64 = 0.05;
/// How many times the limit patterns may be where merging them would lose too much.
const HARD_FACTOR: usize = 4;

/// Groups the assets by pattern of missing returns; assets without any return are in no group.
///
/// Each pattern costs work in every training step. While there are more than `limit`, the two whose common rows lose
/// the fewest observations become one, and what they do not share counts as missing; where that would lose more than a
/// twentieth of all observations, up to four times the limit are kept.
#[must_use]
pub fn group_by_pattern(returns: Returns<'_>, rows: usize, limit: usize) -> Vec<Pattern> {
    let mut sets: Vec<RowSet> = Vec::new();
    let mut index: HashMap<Vec<u64>, usize> = HashMap::new();
    for asset in 0..returns.assets {
        let mut bits = vec![0_u64; rows.div_ceil(64)];
        for row in (0..rows).filter(|row| !returns.values[row * returns.assets + asset].is_nan()) {
            bits[row / 64] |= 1 << (row % 64);
        }
        if bits.iter().all(|&word| word == 0) {
            continue;
        }
        let place = *index.entry(bits.clone()).or_insert_with(|| {
            sets.push(RowSet {
                bits,
                assets: Vec::new(),
            });
            sets.len() - 1
        });
        sets[place].assets.push(asset);
    }
    merge_closest(sets, limit.max(1))
        .into_iter()
        .map(|set| Pattern {
            rows: (0..rows)
                .filter(|row| set.bits[row / 64] >> (row % 64) & 1 == 1)
                .collect(),
            assets: set.assets,
        })
        .collect()
}

/// A pattern while it is being merged: one bit a row.
struct RowSet {
    bits: Vec<u64>,
    assets: Vec<usize>,
}

impl RowSet {
    fn observations(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum::<usize>() * self.assets.len()
    }

    /// Observations that go when both keep their common rows alone; the largest number when no row is common.
    fn loss(&self, other: &Self) -> usize {
        let shared: usize = self
            .bits
            .iter()
            .zip(&other.bits)
            .map(|(a, b)| (a & b).count_ones() as usize)
            .sum();
        if shared == 0 {
            return usize::MAX;
        }
        self.observations() + other.observations() - shared * (self.assets.len() + other.assets.len())
    }

    fn absorb(&mut self, other: Self) {
        self.bits.iter_mut().zip(other.bits).for_each(|(a, b)| *a &= b);
        self.assets.extend(other.assets);
        self.assets.sort_unstable();
    }
}

/// Greedy merging; each set remembers its closest later one, so that a merge costs about one pass over the sets.
fn merge_closest(sets: Vec<RowSet>, limit: usize) -> Vec<RowSet> {
    let mut left = sets.len();
    if left <= limit {
        return sets;
    }
    let total: usize = sets.iter().map(RowSet::observations).sum();
    let mut sets: Vec<Option<RowSet>> = sets.into_iter().map(Some).collect();
    let mut closest: Vec<(usize, usize)> = (0..sets.len()).map(|i| closest_after(&sets, i)).collect();
    let mut lost = 0;
    while left > limit {
        let Some((a, (loss, b))) = closest
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|&(i, (loss, _))| (loss, i))
        else {
            break;
        };
        let too_much = (lost + loss.min(total)) as f64 > LOSS_ALLOWED * total as f64;
        if loss == usize::MAX || (too_much && left <= HARD_FACTOR * limit) {
            break;
        }
        if let (Some(gone), Some(kept)) = (sets[b].take(), sets[a].as_mut()) {
            kept.absorb(gone);
        }
        left -= 1;
        lost += loss;
        for i in 0..sets.len() {
            if i == a || i == b || closest[i].1 == a || closest[i].1 == b {
                closest[i] = closest_after(&sets, i);
            } else if let (Some(one), Some(merged), true) = (&sets[i], &sets[a], i < a) {
                closest[i] = closest[i].min((one.loss(merged), a));
            }
        }
    }
    sets.into_iter().flatten().collect()
}

/// Smallest loss of merging set `i` with a later one, and which; the largest number when there is none.
fn closest_after(sets: &[Option<RowSet>], i: usize) -> (usize, usize) {
    let Some(one) = &sets[i] else {
        return (usize::MAX, usize::MAX);
    };
    (i + 1..sets.len())
        .filter_map(|j| sets[j].as_ref().map(|other| (one.loss(other), j)))
        .min()
        .unwrap_or((usize::MAX, usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    #[test]
    fn assets_with_the_same_gaps_share_a_group_and_empty_ones_have_none() {
        let values = [1.0, NAN, 3.0, NAN, 5.0, 6.0, 7.0, NAN, 9.0, 1.0, 2.0, NAN];
        let returns = Returns {
            values: &values,
            assets: 4,
        };
        let got: Vec<_> = group_by_pattern(returns, 3, 8)
            .into_iter()
            .map(|g| (g.rows, g.assets))
            .collect();
        assert_eq!(got, [(vec![0, 1, 2], vec![0, 2]), (vec![1, 2], vec![1])]);
    }

    /// `starts[i]` is the first observed row of asset i.
    fn staggered(rows: usize, starts: &[usize]) -> Vec<f64> {
        (0..rows)
            .flat_map(|row| starts.iter().map(move |&start| if row < start { NAN } else { 1.0 }))
            .collect()
    }

    #[test]
    fn too_many_patterns_merge_where_the_fewest_observations_are_lost() {
        let values = staggered(100, &[0, 1, 40, 43, 90]);
        let returns = Returns {
            values: &values,
            assets: 5,
        };
        let got: Vec<_> = group_by_pattern(returns, 100, 3)
            .into_iter()
            .map(|g| (g.rows[0], g.assets))
            .collect();
        assert_eq!(got, [(1, vec![0, 1]), (43, vec![2, 3]), (90, vec![4])]);
    }

    #[test]
    fn merging_stops_where_it_would_lose_a_twentieth_unless_there_are_four_times_too_many() {
        // 180 observations; the cheapest merge loses 12.
        let starts: Vec<usize> = (0..5).map(|i| 12 * i).collect();
        let values = staggered(60, &starts);
        let returns = Returns {
            values: &values,
            assets: 5,
        };
        assert_eq!(group_by_pattern(returns, 60, 2).len(), 5);
        assert_eq!(group_by_pattern(returns, 60, 1).len(), 4);
    }
}
