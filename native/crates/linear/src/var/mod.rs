//! Vector autoregressions and the responses that follow from them (Luetkepohl 2005, chapters 2 to 4).

mod fit;
mod granger;
mod order;
mod response;

pub use fit::{Var, var};
pub use granger::{Granger, granger};
pub use order::{Criterion, VarOrder, var_order};
pub use response::{AssetEquations, Impulse, ResponseOptions, Responses, asset_responses, var_responses};
