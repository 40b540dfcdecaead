//! One encoder, a head for every asset: the hidden states' Jacobian is computed once a date, and one matrix product
//! gives the derivatives of all assets. Equations: docs/derivations/lstm_exposures.md.

use macrograd_simd::{Buffer, Control, Isa, Kernel, Real, Simd, parallel_for_each};

use crate::columns::InputColumns;
use crate::error::{LstmError, check_length};
use crate::kernel::{HeadProduct, pack_columns, pack_heads};
use crate::model::Workspace;
use crate::sequences::{Sequences, check_finite, split_front};
use crate::weights::LstmWeights;

/// Assets of one item of work: some hundred microseconds, so that a single date is spread over threads too.
const ITEM_ASSETS: usize = 512;

/// Writes the derivatives of every last hidden unit with respect to the wanted columns of its window to `out`
/// [batch_size, hidden_size, columns]. [`exposures`] turns them into those of any number of heads.
///
/// # Errors
/// As [`crate::jacobian`].
pub fn hidden_columns<T: Real>(
    weights: &LstmWeights<T>,
    windows: &Sequences<'_, T>,
    columns: InputColumns,
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    Workspace::default().hidden_columns(weights, windows, columns, out, control)
}

/// Sizes of a call of [`exposures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExposureShape {
    /// Windows of the encoder.
    pub dates: usize,
    /// H.
    pub hidden_size: usize,
    /// Derivatives a date; see [`InputColumns::count`].
    pub columns: usize,
    /// Rows of the heads.
    pub assets: usize,
}

/// Writes the derivatives of every asset's output to `out` [dates, assets, columns]: for each date the product of
/// `head_weight` [assets, hidden_size] and the `hidden` Jacobian [dates, hidden_size, columns].
///
/// A block of assets gives the same bits as all of them at once, so results can be streamed; a row that is the mean
/// of a group's rows gives the group's exposures.
///
/// # Errors
/// [`LstmError::ShapeMismatch`], [`LstmError::NotFinite`] (of the heads), [`LstmError::Isa`], [`LstmError::Cancelled`].
pub fn exposures<T: Real>(
    shape: ExposureShape,
    hidden: &[T],
    head_weight: &[T],
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    Workspace::default().exposures(shape, hidden, head_weight, out, control)
}

impl<T: Real> Workspace<T> {
    /// As [`exposures`].
    ///
    /// # Errors
    /// As [`exposures`].
    pub fn exposures(
        &mut self,
        shape: ExposureShape,
        hidden: &[T],
        head_weight: &[T],
        out: &mut [T],
        control: &Control,
    ) -> Result<(), LstmError> {
        let ExposureShape {
            dates,
            hidden_size,
            columns,
            assets,
        } = shape;
        check_length("hidden jacobian", hidden.len(), dates * hidden_size * columns)?;
        check_length("head_weight", head_weight.len(), assets * hidden_size)?;
        check_length("exposures", out.len(), dates * assets * columns)?;
        check_finite("head_weight", head_weight)?;
        if out.is_empty() || hidden_size == 0 {
            return Ok(());
        }
        let isa = control.isa()?;
        let PackedHeads {
            heads,
            dates: packed_dates,
        } = &mut self.heads;
        pack_heads(head_weight, hidden_size, isa, heads);
        let parts = assets.div_ceil(ITEM_ASSETS);
        let mut rest = out;
        let items = (0..dates * parts).map(move |item| {
            let (date, part) = (item / parts, item % parts);
            let part_assets = ITEM_ASSETS.min(assets - part * ITEM_ASSETS);
            (date, part, split_front(&mut rest, part_assets * columns))
        });
        let threads = control.threads().min(items.len());
        packed_dates.resize_with(threads.max(packed_dates.len()), PackedDate::empty);
        packed_dates.iter_mut().for_each(|packed| packed.date = None);
        parallel_for_each(
            control,
            items,
            &mut packed_dates[..threads],
            |packed, (date, part, out)| {
                packed.hold(
                    date,
                    &hidden[date * hidden_size * columns..][..hidden_size * columns],
                    hidden_size,
                    isa,
                );
                let work = HeadProduct {
                    heads,
                    first_asset: part * ITEM_ASSETS,
                    hidden_size,
                    panels: &packed.panels,
                    columns,
                    out,
                };
                T::dispatch(isa, work);
            },
        )?;
        Ok(())
    }
}

/// Heads in the order in which the product reads them, and each thread's date.
#[derive(Debug)]
pub(crate) struct PackedHeads<T> {
    heads: Buffer<T>,
    dates: Vec<PackedDate<T>>,
}

impl<T: Real> Default for PackedHeads<T> {
    fn default() -> Self {
        Self {
            heads: Buffer::zeros(0),
            dates: Vec::new(),
        }
    }
}

/// One date's hidden Jacobian in the order in which the product reads it.
#[derive(Debug)]
struct PackedDate<T> {
    date: Option<usize>,
    panels: Buffer<T>,
}

impl<T: Real> PackedDate<T> {
    fn empty() -> Self {
        Self {
            date: None,
            panels: Buffer::zeros(0),
        }
    }

    fn hold(&mut self, date: usize, hidden: &[T], hidden_size: usize, isa: Isa) {
        if self.date != Some(date) {
            T::dispatch(
                isa,
                Pack {
                    hidden,
                    hidden_size,
                    isa,
                    panels: &mut self.panels,
                },
            );
            self.date = Some(date);
        }
    }
}

/// Work: [`pack_columns`], compiled for an instruction set.
struct Pack<'a, T> {
    hidden: &'a [T],
    hidden_size: usize,
    isa: Isa,
    panels: &'a mut Buffer<T>,
}

impl<T: Real> Kernel<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        pack_columns(self.hidden, self.hidden_size, self.isa, self.panels);
    }
}
