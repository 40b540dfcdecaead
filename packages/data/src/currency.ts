import { type Frequency, InputError } from '@macrograd/core';
import { downsample, isFiner } from './align.js';
import { readOptions, type TableReader } from './reader.js';
import type { AssetFileSpec, CurrencySpec } from './spec.js';
import { type Series, seriesOf } from './table.js';
import { onEveryPeriod } from './transform.js';

/** Currency of assets that name none. */
const DEFAULT_CURRENCY = 'USD';

/** Price of one unit of a currency in the base currency. */
export type ExchangeRates = ReadonlyMap<string, Series>;

/**
 * Reads the exchange rates that assets of several currencies need.
 *
 * @returns rates by currency; the base currency and currencies equal to it have none.
 * @throws InputError (`bad_config`) when currencies are mixed and a rate is missing
 */
export async function readExchangeRates(
  assets: readonly AssetFileSpec[],
  spec: CurrencySpec | undefined,
  read: TableReader,
): Promise<ExchangeRates> {
  const currencies = new Set(assets.map((asset) => asset.currency ?? DEFAULT_CURRENCY));
  const rates = new Map<string, Series>();
  if (spec === undefined && currencies.size < 2) return rates;
  const needed = [...currencies].filter((currency) => currency !== spec?.base);
  for (const currency of needed) {
    const rate = spec?.rates[currency];
    if (spec === undefined || rate === undefined) throw mixed([...currencies], spec && currency);
    const quoted = seriesOf(
      await read({ ...readOptions(rate), file: rate.file }),
      rate.series,
      `${currency} in ${spec.base}`,
    );
    const isInverse = rate.quote === 'units_per_base';
    rates.set(currency, isInverse ? { ...quoted, values: quoted.values.map((x) => 1 / x) } : quoted);
  }
  return rates;
}

function mixed(currencies: readonly string[], missing: string | undefined): InputError {
  const problem = missing === undefined ? '' : `, and there is no exchange rate for ${missing}`;
  return new InputError(`the assets are in different currencies: ${currencies.join(', ')}${problem}`, {
    code: 'bad_config',
    remedy:
      'give `currency: { base: USD, rates: { EUR: { file: fx.csv, series: EURUSD } } }`, or leave some assets out',
  });
}

/** Returns in the base currency: (1 + r)(1 + change of the rate) - 1; missing where one of the two is. */
export function convertReturns(returns: Series, rate: Series, frequency: Frequency): Series {
  const rates = onEveryPeriod(isFiner(rate.frequency, frequency) ? downsample(rate, frequency, 'last') : rate);
  if (rates.frequency !== frequency) {
    throw new InputError(`the exchange rate "${rate.name}" has frequency ${rate.frequency}, the panel ${frequency}`, {
      code: 'bad_config',
      remedy: 'give exchange rates at the frequency of the panel or above it',
    });
  }
  const change = new Map<number, number>();
  for (let t = 1; t < rates.dates.length; t++) change.set(rates.dates[t], rates.values[t] / rates.values[t - 1] - 1);
  const values = returns.values.map((r, t) => (1 + r) * (1 + (change.get(returns.dates[t]) ?? Number.NaN)) - 1);
  return { ...returns, values };
}
