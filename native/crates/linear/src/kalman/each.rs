use std::sync::Mutex;

use macrograd_simd::Control;

use super::variances::{Climb, KalmanSearch, KalmanVariances, kalman_variances};
use crate::parallel::for_each;
use crate::{LinearError, Panel};

/// Assets whose common variances every asset starts from.
const WARM_ASSETS: usize = 64;

/// Variances at the maximum of each asset's own likelihood, asset by asset; `None` for an asset whose returns say nothing.
///
/// The variances common to some dozens of assets are one of the starts, which saves an asset most of its search.
///
/// # Errors
/// `ShapeMismatch` or `BadOption` for a model that does not fit, `Cancelled`.
pub fn kalman_variances_each(
    panel: &Panel,
    search: &KalmanSearch,
    control: &Control,
) -> Result<Vec<Option<KalmanVariances>>, LinearError> {
    let warm = common(panel, search, control)?;
    let slots: Vec<Mutex<Option<KalmanVariances>>> = (0..panel.assets).map(|_| Mutex::new(None)).collect();
    let diffuse = search.model.initial_variance.iter().filter(|x| x.is_infinite()).count();
    let tasks: Vec<_> = panel
        .groups(0..panel.assets, 1)
        .into_iter()
        .filter(|group| group.observed.iter().filter(|&&seen| seen).count() > diffuse + 1)
        .collect();
    for_each(
        tasks,
        control,
        |done| control.report(done),
        |group| {
            let asset = group.assets[0];
            let alone = Control::with_threads(1);
            // One group of one asset on one thread: nothing in it can fail or be cancelled.
            let found = Climb::new(panel, vec![group], search, &alone).run_from(&warm).ok();
            *slots[asset].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = found;
        },
    )?;
    let own =
        |slot: Mutex<Option<KalmanVariances>>| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(slots.into_iter().map(own).collect())
}

/// Parameters common to evenly spaced assets.
fn common(panel: &Panel, search: &KalmanSearch, control: &Control) -> Result<Vec<f64>, LinearError> {
    let count = panel.assets.min(WARM_ASSETS);
    let chosen: Vec<usize> = (0..count).map(|at| at * panel.assets / count).collect();
    let returns: Vec<f64> = (0..panel.rows)
        .flat_map(|row| chosen.iter().map(move |&asset| panel.value(row, asset)))
        .collect();
    let some = Panel {
        returns: &returns,
        assets: count,
        ..*panel
    };
    let found = kalman_variances(&some, search, control)?;
    Ok(search.values_of(&found.model))
}
