import { averagingTerm, type FitStatus, type Panel } from '@macrograd/core';
import type { ExposureCube } from '@macrograd/exposure';
import type { DictionaryColumn, TableData } from '@macrograd/store';
import { HALF_WIDTH } from '../levels.js';
import { type ExposureLayout, type ExposureSection, hasLags, type TableMethod } from './exposure-layout.js';

/** One fit's exposures at the dates that it is used for. */
export interface ExposureSource {
  /** Fold number, or `final`. */
  readonly fit: number | 'final';
  /** Dates from this row of the panel on are unseen by the fit; the number of dates when none is. */
  readonly firstUnseen: number;
  /** [asset] */
  readonly status: readonly FitStatus[];
  /** [row of the panel], share of training periods whose state is like the row's. */
  readonly regimeShare: Float64Array;
  /** Share below which a state counts as barely seen; 0 for a method whose exposures no state moves. */
  readonly leastRegimeShare: number;
}

const statuses: readonly FitStatus[] = [
  'ok',
  'too_few_observations',
  'rank_deficient',
  'not_converged',
  'regime_barely_seen',
  'no_data',
];
const statusCode = new Map(statuses.map((status, code) => [status, code]));

/** The exposures table while fits fill it, each at places of its own. */
export class ExposureTable {
  readonly layout: ExposureLayout;
  private readonly fitNames: readonly string[];
  private readonly fit: Int32Array;
  private readonly status: Int32Array;
  private readonly inSample: Uint8Array;
  private readonly numbers: Record<'exposure' | 'unit_exposure' | 'se' | 'lo' | 'hi' | 'regime_share', Float64Array>;

  constructor(
    private readonly panel: Panel,
    layout: ExposureLayout,
    folds: number,
  ) {
    this.layout = layout;
    this.fitNames = [...Array.from({ length: folds }, (_, fold) => String(fold)), 'final'];
    const { rows } = this.layout;
    const missing = () => new Float64Array(rows).fill(Number.NaN);
    this.fit = new Int32Array(rows);
    this.status = new Int32Array(rows);
    this.inSample = new Uint8Array(rows);
    this.numbers = {
      exposure: missing(),
      unit_exposure: missing(),
      se: missing(),
      lo: missing(),
      hi: missing(),
      regime_share: missing(),
    };
  }

  /** Writes one block of a fit's exposures. */
  add(cube: ExposureCube, source: ExposureSource): void {
    const { layout } = this;
    const section = layout.section(cube.method, cube.kind, source.fit === 'final' ? 'final' : 'folds');
    const fitCode = source.fit === 'final' ? this.fitNames.length - 1 : source.fit;
    const { exposure, unit_exposure, se, lo, hi, regime_share } = this.numbers;
    const dates = cube.dates.length;
    const factors = cube.factors.length;
    // The LSTM works in float32: further digits would be noise, and cost half of the file.
    const precision = hasLags(cube.method) ? Math.fround : (value: number) => value;
    for (let asset = cube.assets.start; asset < cube.assets.end; asset++) {
      const from = Math.max(0, layout.firstRow[asset] - cube.span.start);
      for (let factor = 0; factor < factors; factor++) {
        for (let t = from; t < dates; t++) {
          const row = cube.span.start + t;
          const to = layout.tableRow(section, asset, factor, row);
          const at = ((asset - cube.assets.start) * dates + t) * factors + factor;
          exposure[to] = precision(cube.exposure[at]);
          unit_exposure[to] = precision(cube.unitExposure[at]);
          se[to] = precision(cube.se[at]);
          lo[to] = precision(cube.lo[at]);
          hi[to] = precision(cube.hi[at]);
          regime_share[to] = source.regimeShare[row];
          this.fit[to] = fitCode;
          this.inSample[to] = row < source.firstUnseen ? 1 : 0;
          this.status[to] = statusOf(source, asset, row, exposure[to]);
        }
      }
    }
  }

  /**
   * Puts the share of training periods on a date's side of a threshold in place of that of like states, for one asset and
   * factor of a method's fit on the whole span; `shares` is [row of the panel], `least` the share that counts as seen.
   */
  putSideShares(
    cell: { readonly method: TableMethod; readonly asset: number; readonly factor: number },
    shares: Float64Array,
    least: number,
  ): void {
    const { layout } = this;
    const codes = ['ok', 'regime_barely_seen'].map((status) => statusCode.get(status as FitStatus)!);
    layout.sections.forEach(({ method, fits }, section) => {
      if (method !== cell.method || fits !== 'final') return;
      for (let row = layout.firstRow[cell.asset]; row < layout.dates; row++) {
        const at = layout.tableRow(section, cell.asset, cell.factor, row);
        this.numbers.regime_share[at] = shares[row];
        if (codes.includes(this.status[at])) this.status[at] = codes[shares[row] < least ? 1 : 0];
      }
    });
  }

  /**
   * Fills a section of the chosen mix from the sections of the methods chosen, date by date: one is copied, several are
   * summed by weight, with the errors of model averaging and the heaviest one's other columns.
   */
  addChosen(
    section: number,
    asset: number,
    rows: { start: number; end: number },
    parts: readonly { readonly from: number; readonly weight: number }[],
  ): void {
    const { from } = parts.reduce((a, b) => (b.weight > a.weight ? b : a));
    this.copyRows(section, asset, rows, from);
    if (parts.length === 1) return;
    const { layout } = this;
    const start = Math.max(rows.start, layout.firstRow[asset]);
    for (let factor = 0; factor < layout.factors.length; factor++) {
      const from = parts.map((part) => layout.tableRow(part.from, asset, factor, start));
      const target = layout.tableRow(section, asset, factor, start);
      for (let t = 0; t < rows.end - start; t++) this.averageCell(target + t, from, t, parts);
    }
  }

  /** Fills one cell with the weighted mean of those `t` rows after `from`. */
  private averageCell(
    target: number,
    from: readonly number[],
    t: number,
    parts: readonly { readonly weight: number }[],
  ): void {
    const { exposure, unit_exposure, se, lo, hi } = this.numbers;
    let [mean, unit, error] = [0, 0, 0];
    parts.forEach(({ weight }, m) => {
      mean += weight * exposure[from[m] + t];
      unit += weight * unit_exposure[from[m] + t];
    });
    parts.forEach(({ weight }, m) => {
      error += averagingTerm(weight, exposure[from[m] + t], se[from[m] + t], mean);
    });
    exposure[target] = mean;
    unit_exposure[target] = unit;
    se[target] = error;
    lo[target] = mean - HALF_WIDTH * error;
    hi[target] = mean + HALF_WIDTH * error;
  }

  private copyRows(section: number, asset: number, rows: { start: number; end: number }, from: number): void {
    const { layout } = this;
    const start = Math.max(rows.start, layout.firstRow[asset]);
    if (start >= rows.end) return;
    const columns = [this.fit, this.status, this.inSample, ...Object.values(this.numbers)];
    for (let factor = 0; factor < layout.factors.length; factor++) {
      const source = layout.tableRow(from, asset, factor, start);
      const target = layout.tableRow(section, asset, factor, start);
      for (const column of columns) column.copyWithin(target, source, source + rows.end - start);
    }
  }

  /** Mean unit exposure of a section's asset and factor over all its dates. */
  meanUnitExposure(section: number, asset: number, factor: number): number {
    const start = this.layout.firstTableRow(section, asset, factor);
    const values = this.numbers.unit_exposure.subarray(start, start + this.layout.dates - this.layout.firstRow[asset]);
    const seen = values.filter((value) => !Number.isNaN(value));
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  }

  /** The table, with the sections that are wanted. */
  finish(wanted: (section: ExposureSection) => boolean): TableData<'exposures'> {
    const { layout, panel } = this;
    const kept = layout.sections.flatMap((section, index) => (wanted(section) ? [index] : []));
    const rows = kept.length * layout.rowsPerSection;
    const sections = kept.map((index) => layout.sections[index]);
    const pattern = this.sectionPattern();
    const methods = [...new Set(sections.map(({ method }) => method))];
    const kinds = [...new Set(sections.map(({ kind }) => kind))];
    return {
      rows,
      columns: {
        asset: dictionary(
          panel.assets.map(({ name }) => name),
          repeated(pattern.asset, kept.length),
        ),
        date: repeated(pattern.date, kept.length),
        factor: dictionary(
          layout.factors.map(({ name }) => name),
          repeated(pattern.factor, kept.length),
        ),
        method: dictionary(
          methods,
          this.perSection(sections, ({ method }) => methods.indexOf(method)),
        ),
        kind: dictionary(
          kinds,
          this.perSection(sections, ({ kind }) => kinds.indexOf(kind)),
        ),
        fit: dictionary(this.fitNames, this.joined(this.fit, kept)),
        in_sample: this.joined(this.inSample, kept),
        exposure: this.joined(this.numbers.exposure, kept),
        unit_exposure: this.joined(this.numbers.unit_exposure, kept),
        se: this.joined(this.numbers.se, kept),
        lo: this.joined(this.numbers.lo, kept),
        hi: this.joined(this.numbers.hi, kept),
        regime_share: this.joined(this.numbers.regime_share, kept),
        status: dictionary(statuses, this.joined(this.status, kept)),
      },
    };
  }

  /** Asset, factor and date of each row of a section; the same in all sections. */
  private sectionPattern(): { asset: Int32Array; factor: Int32Array; date: Int32Array } {
    const { layout } = this;
    const asset = new Int32Array(layout.rowsPerSection);
    const factor = new Int32Array(layout.rowsPerSection);
    const date = new Int32Array(layout.rowsPerSection);
    for (let a = 0; a < layout.assets; a++) {
      const dates = this.panel.axis.dates.subarray(layout.firstRow[a]);
      for (let j = 0; j < layout.factors.length; j++) {
        const start = layout.firstTableRow(0, a, j);
        asset.fill(a, start, start + dates.length);
        factor.fill(j, start, start + dates.length);
        date.set(dates, start);
      }
    }
    return { asset, factor, date };
  }

  private perSection(sections: readonly ExposureSection[], code: (section: ExposureSection) => number): Int32Array {
    const { rowsPerSection } = this.layout;
    const codes = new Int32Array(sections.length * rowsPerSection);
    sections.forEach((section, i) => {
      codes.fill(code(section), i * rowsPerSection, (i + 1) * rowsPerSection);
    });
    return codes;
  }

  /** The column without the sections that are not kept; the column itself when all are. */
  private joined<A extends Float64Array | Int32Array | Uint8Array>(column: A, kept: readonly number[]): A {
    const { sections, rowsPerSection } = this.layout;
    if (kept.length === sections.length) return column;
    const out = column.slice(0, kept.length * rowsPerSection) as A;
    kept.forEach((index, i) => {
      out.set(column.subarray(index * rowsPerSection, (index + 1) * rowsPerSection), i * rowsPerSection);
    });
    return out;
  }
}

function statusOf(source: ExposureSource, asset: number, row: number, exposure: number): number {
  const status = source.status[asset];
  if (status !== 'ok') return statusCode.get(status)!;
  if (Number.isNaN(exposure)) return statusCode.get('no_data')!;
  return statusCode.get(source.regimeShare[row] < source.leastRegimeShare ? 'regime_barely_seen' : 'ok')!;
}

function repeated(pattern: Int32Array, times: number): Int32Array {
  const out = new Int32Array(pattern.length * times);
  for (let i = 0; i < times; i++) out.set(pattern, i * pattern.length);
  return out;
}

function dictionary(values: readonly string[], codes: Int32Array): DictionaryColumn {
  return { kind: 'dictionary', values, codes };
}
