use std::collections::HashMap;

use crate::LinearError;

/// One design and the returns of many assets. NaN = missing, in both.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// `[row][column]`; a constant is a column like any other. A row with a NaN is used by no asset.
    pub design: &'a [f64],
    /// `[row][asset]`.
    pub returns: &'a [f64],
    /// Number of rows (dates), oldest first.
    pub rows: usize,
    /// Number of regressors.
    pub columns: usize,
    /// Number of assets.
    pub assets: usize,
}

/// Assets that miss exactly the same rows.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// `[row]`: design complete and return observed.
    pub observed: Vec<bool>,
    pub assets: Vec<usize>,
}

impl<'a> Panel<'a> {
    /// Checks the dimensions and that no value is infinite.
    ///
    /// # Errors
    /// `ShapeMismatch` or `NotFinite`.
    pub fn new(
        design: &'a [f64],
        returns: &'a [f64],
        rows: usize,
        columns: usize,
        assets: usize,
    ) -> Result<Self, LinearError> {
        check_values("design", design, rows * columns)?;
        check_values("returns", returns, rows * assets)?;
        Ok(Self {
            design,
            returns,
            rows,
            columns,
            assets,
        })
    }

    /// Regressors of one row.
    pub(crate) fn design_row(&self, row: usize) -> &'a [f64] {
        &self.design[row * self.columns..(row + 1) * self.columns]
    }

    /// Return of one asset at one row.
    pub(crate) fn value(&self, row: usize, asset: usize) -> f64 {
        self.returns[row * self.assets + asset]
    }

    /// `[row]`: no regressor missing.
    pub(crate) fn complete_rows(&self) -> Vec<bool> {
        (0..self.rows)
            .map(|row| self.design_row(row).iter().all(|x| !x.is_nan()))
            .collect()
    }

    /// Assets by pattern of missing rows, in order of first appearance; a pattern with more than
    /// `limit` assets is cut into several groups, always at the same places.
    pub(crate) fn groups(&self, range: std::ops::Range<usize>, limit: usize) -> Vec<Group> {
        let complete = self.complete_rows();
        let words = self.rows.div_ceil(64);
        let mut masks = vec![0_u64; words * range.len()];
        for row in (0..self.rows).filter(|&row| complete[row]) {
            let values = &self.returns[row * self.assets..(row + 1) * self.assets];
            for (local, value) in values[range.clone()].iter().enumerate() {
                masks[local * words + row / 64] |= u64::from(!value.is_nan()) << (row % 64);
            }
        }
        let mut open: HashMap<&[u64], usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (local, asset) in range.enumerate() {
            let mask = &masks[local * words..(local + 1) * words];
            let slot = open.get(mask).copied();
            match slot.filter(|&slot| groups[slot].assets.len() < limit) {
                Some(slot) => groups[slot].assets.push(asset),
                None => {
                    open.insert(mask, groups.len());
                    let observed = (0..self.rows)
                        .map(|row| mask[row / 64] >> (row % 64) & 1 == 1)
                        .collect();
                    groups.push(Group {
                        observed,
                        assets: vec![asset],
                    });
                }
            }
        }
        groups
    }
}

fn check_values(name: &'static str, values: &[f64], expected: usize) -> Result<(), LinearError> {
    if values.len() != expected {
        return Err(LinearError::ShapeMismatch {
            name,
            expected,
            actual: values.len(),
        });
    }
    match values.iter().position(|value| value.is_infinite()) {
        Some(index) => Err(LinearError::NotFinite { name, index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_with_the_same_missing_rows_share_a_group() {
        let design = [1.0, 1.0, f64::NAN, 1.0];
        let nan = f64::NAN;
        // Asset 2 differs from asset 0 only at the row that the design lacks.
        let returns = [1., 1., 1., nan, 2., nan, 3., 3., nan, 4., 4., 4.];
        let panel = Panel::new(&design, &returns, 4, 1, 3).expect("valid");
        let groups = panel.groups(0..3, 8);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].assets, [0, 2]);
        assert_eq!(groups[1].observed, [true, true, false, true]);
        assert_eq!(panel.groups(0..3, 1).len(), 3);
    }

    #[test]
    fn infinite_values_and_wrong_lengths_are_refused_with_their_place() {
        let error = Panel::new(&[1.0, f64::INFINITY], &[0.0; 2], 2, 1, 1).unwrap_err();
        assert_eq!(
            error,
            LinearError::NotFinite {
                name: "design",
                index: 1
            }
        );
        assert!(Panel::new(&[1.0], &[0.0; 2], 2, 1, 1).is_err());
    }
}
