//! Vector autoregressions and the responses that follow from them (Luetkepohl 2005, chapters 2 to 4).

mod asset_bands;
mod bootstrap;
mod fit;
mod granger;
mod order;
mod regimes;
mod response;
mod state_responses;

pub use asset_bands::AssetSample;
pub use bootstrap::{Bands, BootstrapOptions, Resampling, Statistic, asset_bootstrap_bands, bootstrap_bands};
pub use fit::{Var, var};
pub use granger::{Granger, granger};
pub use order::{Criterion, VarOrder, var_order};
pub use regimes::{RegimeRule, ThresholdVar, threshold_var};
pub use response::{
    AssetEquations, Impulse, ResponseOptions, Responses, asset_responses, var_responses, variance_shares,
};
pub use state_responses::{StateResponseOptions, StateResponses, state_asset_responses, state_responses};
