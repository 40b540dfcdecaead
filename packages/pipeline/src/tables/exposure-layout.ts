import type { FactorMeta, MethodId, Panel } from '@macrograd/core';
import type { ExposureKind } from '@macrograd/exposure';

/** A method of the tables: one that is fitted, or the mix of them that was chosen asset by asset. */
export type TableMethod = MethodId | 'chosen';

/** Rows of the exposures table that share method, kind and origin of the fit. */
export interface ExposureSection {
  readonly method: TableMethod;
  readonly kind: ExposureKind;
  /** `folds`: every date read with the fit before its fold; `final`: with the fit on the whole span. */
  readonly fits: 'folds' | 'final';
}

/** Methods whose exposures have lags beyond the return's own period; for all others cumulative = contemporaneous. */
export function hasLags(method: MethodId): boolean {
  return method === 'lstm' || method === 'var' || method === 'distributed_lag' || method === 'spline';
}

/** Forms of the Jacobian that are read for a method: the cumulative one only where it differs. */
export function formsOf(method: TableMethod): readonly ('contemporaneous' | 'cumulative')[] {
  return method === 'chosen' || hasLags(method) ? ['contemporaneous', 'cumulative'] : ['contemporaneous'];
}

/** Kinds of exposure that are written for a method. */
export function kindsOf(method: TableMethod): readonly ExposureKind[] {
  return [...formsOf(method), 'total'];
}

/** Six doubles, six codes, a date and a flag. */
const BYTES_PER_ROW = 6 * 8 + 6 * 4 + 4 + 1;

/**
 * Where every exposure stands in the table. Rows are ordered by section, asset, factor, date; an asset's dates start
 * with its first return. Places are known before anything is fitted, so that fits can finish in any order.
 */
export class ExposureLayout {
  readonly sections: readonly ExposureSection[];
  readonly factors: readonly FactorMeta[];
  readonly assets: number;
  readonly dates: number;
  /** [asset]: row of the panel that holds its first return; `dates` for an asset without any. */
  readonly firstRow: Int32Array;
  /** [asset]: rows of a section before the asset's. */
  private readonly assetOffset: Int32Array;
  readonly rowsPerSection: number;

  constructor(panel: Panel, methods: readonly TableMethod[]) {
    this.sections = methods.flatMap((method) =>
      kindsOf(method).flatMap((kind) => [
        { method, kind, fits: 'folds' as const },
        { method, kind, fits: 'final' as const },
      ]),
    );
    this.factors = panel.inputs.factors.filter((factor) => factor.role === 'factor');
    this.assets = panel.assets.length;
    this.dates = panel.axis.dates.length;
    this.firstRow = Int32Array.from(panel.assets, (_, asset) => firstReturn(panel, asset));
    this.assetOffset = new Int32Array(this.assets);
    let rows = 0;
    for (let asset = 0; asset < this.assets; asset++) {
      this.assetOffset[asset] = rows;
      rows += (this.dates - this.firstRow[asset]) * this.factors.length;
    }
    this.rowsPerSection = rows;
  }

  get rows(): number {
    return this.sections.length * this.rowsPerSection;
  }

  /** Memory that the table takes while it is filled and written. */
  get bytes(): number {
    return this.rows * BYTES_PER_ROW;
  }

  /** Index of a section. */
  section(method: TableMethod, kind: ExposureKind, fits: 'folds' | 'final'): number {
    return this.sections.findIndex((s) => s.method === method && s.kind === kind && s.fits === fits);
  }

  /** Table row of an asset and factor at the asset's first date; dates follow one by one. */
  firstTableRow(section: number, asset: number, factor: number): number {
    const dates = this.dates - this.firstRow[asset];
    return section * this.rowsPerSection + this.assetOffset[asset] + factor * dates;
  }

  /** Table row of an asset, factor and row of the panel, which must not lie before the asset's first return. */
  tableRow(section: number, asset: number, factor: number, row: number): number {
    return this.firstTableRow(section, asset, factor) + row - this.firstRow[asset];
  }
}

function firstReturn(panel: Panel, asset: number): number {
  const { returns, assets, axis } = panel;
  let row = 0;
  while (row < axis.dates.length && Number.isNaN(returns[row * assets.length + asset])) row++;
  return row;
}
