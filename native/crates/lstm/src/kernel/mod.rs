//! The fast path. Samples are the lanes of vectors: a *tile* of two or three vectors of samples runs through all time
//! steps of a layer while its state stays in cache; weights are broadcast. So every hidden size is full-width, no
//! number moves between lanes, and a sample's results do not depend on its neighbours.
//!
//! | array | layout |
//! |---|---|
//! | operand of step t | [F + H][lane]: inputs of the step, then hidden states before it |
//! | d_gates | `[unit][4][lane]`, gates i, f, g, o |
//! | slopes | `[unit][6][lane]`, see `Slope` |
//! | cell states, hidden cotangents | `[unit][lane]` |
//! | packed weights | `[block of rows][k][row]`, rows of a forward block: gates i, f, g, o of a unit, then of the next |

#![allow(
    clippy::needless_range_loop,
    reason = "rows, columns and vectors index several arrays alike"
)]

mod backward;
mod forward;
mod head_product;
mod layout;
mod pack;
#[cfg(feature = "pieces")]
mod pieces;
mod product;
mod tape;
mod weight_gradient;

pub(crate) use backward::{BackwardScratch, BackwardTiles, Wanted, chunk_tiles};
pub(crate) use forward::ForwardTile;
pub(crate) use head_product::{HeadProduct, pack_columns, pack_heads};
pub(crate) use layout::{TilePlan, TileSize, from_lanes, to_lanes};
pub(crate) use pack::{PackedLayer, PackedWeights};
#[cfg(feature = "pieces")]
pub use pieces::{Piece, Pieces};
pub(crate) use tape::{SLOPES, TileTape};
pub(crate) use weight_gradient::{LayerSum, RING_STEPS};
