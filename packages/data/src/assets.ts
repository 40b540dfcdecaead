import { basename } from 'node:path';
import { type AssetMeta, type Frequency, InputError, periodsPerYear, type TimeAxis } from '@macrograd/core';
import { alignTo, compound, downsample, isFiner, laggedAxis } from './align.js';
import { convertReturns, readExchangeRates } from './currency.js';
import { readOptions, type TableReader } from './reader.js';
import type { AssetFileSpec, CurrencySpec, RiskFreeSpec } from './spec.js';
import { type Series, seriesOf, type Table } from './table.js';
import { onEveryPeriod } from './transform.js';

/** One asset as its file has it. */
export interface SourceAsset {
  readonly spec: AssetFileSpec;
  readonly table: Table;
  readonly series: Series;
  readonly riskFree: { readonly series: Series; readonly unit: RiskFreeSpec['unit'] } | undefined;
  /** Price of its currency in the panel's, where that is another. */
  readonly rate: Series | undefined;
}

/** One asset's returns at the panel's frequency, the risk-free rate not yet taken off. */
export interface PreparedAsset extends SourceAsset {
  readonly meta: AssetMeta;
  readonly returns: Series;
}

/** Reads the columns of all asset files; `factorTables` are searched for risk-free rates that name no file. */
export async function readAssets(
  files: readonly AssetFileSpec[],
  factorTables: readonly Table[],
  read: TableReader,
  currency?: CurrencySpec,
): Promise<SourceAsset[]> {
  const rates = await readExchangeRates(files, currency, read);
  const assets: SourceAsset[] = [];
  const owner = new Map<string, string>();
  for (const spec of files) {
    const table = await read(spec);
    const riskFree = spec.riskFree && (await findRiskFree(spec.riskFree, [table, ...factorTables], read));
    const names = spec.columns ?? [...table.series.keys()];
    for (const name of names) {
      refuseTwice(name, spec.file, owner);
      const rate = rates.get(spec.currency ?? '');
      assets.push({ spec, table, series: seriesOf(table, name, 'the assets'), riskFree, rate });
    }
  }
  return assets;
}

function refuseTwice(name: string, file: string, owner: Map<string, string>): void {
  const before = owner.get(name);
  owner.set(name, file);
  if (before === undefined) return;
  throw new InputError(`the asset "${name}" is there already, from ${before}`, {
    place: { file, line: 1 },
    remedy: 'rename it in one of the files, or list the wanted columns of each',
  });
}

async function findRiskFree(spec: RiskFreeSpec, near: readonly Table[], read: TableReader) {
  const tables = spec.file === undefined ? near : [await read({ ...readOptions(spec), file: spec.file })];
  const table = tables.find((candidate) => candidate.series.has(spec.series)) ?? tables[0];
  return { series: seriesOf(table, spec.series, 'risk_free'), unit: spec.unit };
}

/** Simple returns of an asset at the panel's frequency, in decimals. */
export function prepareAsset(asset: SourceAsset, frequency: Frequency): PreparedAsset {
  const { spec, table, series } = asset;
  if (isFiner(frequency, series.frequency)) {
    throw new InputError(`"${series.name}" has frequency ${series.frequency}, the panel ${frequency}`, {
      place: { file: table.file },
      remedy: `use a panel of frequency ${series.frequency}`,
    });
  }
  const kind = spec.return ?? 'total';
  const labels = [...(spec.labels ?? [])];
  if (kind === 'price') labels.push('price index');
  if (kind !== 'excess' && asset.riskFree === undefined) labels.push('not excess');
  if (asset.rate !== undefined) labels.push(kind === 'excess' ? `excess in ${spec.currency}` : `from ${spec.currency}`);
  const meta = { name: series.name, source: basename(table.file), labels };
  const local = spec.values === 'prices' ? fromPrices(asset, frequency) : fromReturns(asset, frequency);
  // An excess return is what is left after financing in its own currency: only the gain itself is exposed to the rate.
  const isConverted = asset.rate !== undefined && kind !== 'excess';
  return { ...asset, meta, returns: isConverted ? convertReturns(local, asset.rate, frequency) : local };
}

function fromPrices({ series, table }: SourceAsset, frequency: Frequency): Series {
  const bad = series.values.findIndex((price) => price <= 0);
  if (bad >= 0) {
    throw new InputError(`the price of "${series.name}" is ${series.values[bad]}`, {
      place: { file: table.file, line: series.lines[bad] },
      remedy: 'leave the cell empty if it is missing, or say `values: returns`',
    });
  }
  const prices = onEveryPeriod(series.frequency === frequency ? series : downsample(series, frequency, 'last'));
  const values = prices.values.map((price, t) => (t === 0 ? Number.NaN : price / prices.values[t - 1] - 1));
  return { ...prices, values };
}

function fromReturns({ spec, series }: SourceAsset, frequency: Frequency): Series {
  const scaled = spec.unit === 'percent' ? { ...series, values: series.values.map((r) => r / 100) } : series;
  return scaled.frequency === frequency ? scaled : compound(scaled, frequency);
}

/** Returns on an axis: excess over the risk-free rate, over the rows ahead for horizons above 0. NaN = missing. */
export function excessReturns(asset: PreparedAsset, axis: TimeAxis, horizon: number): Float64Array {
  const total = ahead(alignTo(axis, asset.returns), horizon);
  if (asset.riskFree === undefined || asset.spec.return === 'excess') return total;
  const bill = ahead(riskFreeReturns(asset.riskFree, axis), horizon);
  return total.map((r, t) => r - bill[t]);
}

function riskFreeReturns(riskFree: NonNullable<SourceAsset['riskFree']>, axis: TimeAxis): Float64Array {
  const { series, unit } = riskFree;
  const isHigher = isFiner(series.frequency, axis.frequency);
  if (unit === 'annual_percent') {
    // What a bill earns over a period is the yield at which it was bought: the previous period's.
    const rates = isHigher ? downsample(series, axis.frequency, 'last') : series;
    return alignTo(laggedAxis(axis, 1), rates).map((rate) => rate / 100 / periodsPerYear[axis.frequency]);
  }
  const scaled = { ...series, values: unit === 'percent' ? series.values.map((r) => r / 100) : series.values };
  if (isHigher) return alignTo(axis, compound(scaled, axis.frequency));
  if (series.frequency === axis.frequency) return alignTo(axis, scaled);
  throw new InputError(`the risk-free returns "${series.name}" have frequency ${series.frequency}`, {
    remedy: `give them at the panel's frequency ${axis.frequency}, or as a yield with unit annual_percent`,
  });
}

/** Compounded return of the rows t+1 ... t+horizon at row t; horizon 0 leaves the returns as they are. */
function ahead(returns: Float64Array, horizon: number): Float64Array {
  if (horizon === 0) return returns;
  return returns.map((_, t) => {
    if (t + horizon >= returns.length) return Number.NaN;
    return returns.subarray(t + 1, t + 1 + horizon).reduce((wealth, r) => wealth * (1 + r), 1) - 1;
  });
}
