import { BandReader } from '../band-codec.js';
import type { Band, PageData } from '../page-data.js';

/** One asset's bands in % per one unit: through time by [key][factor], by lag by [method][factor]. */
export interface AssetBands {
  readonly history: readonly (readonly Band[])[];
  readonly lags: readonly (readonly Band[])[];
}

const cache = new Map<number, Promise<AssetBands | undefined>>();

/** Unpacks an asset's charts; undefined where the page holds none. */
export function assetBands(data: PageData, asset: number): Promise<AssetBands | undefined> {
  let bands = cache.get(asset);
  if (!bands) {
    bands = unpack(data, data.blobs[asset]);
    cache.set(asset, bands);
  }
  return bands;
}

async function unpack(data: PageData, blob: string | null | undefined): Promise<AssetBands | undefined> {
  if (!blob) return undefined;
  const packed = Uint8Array.from(atob(blob), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = new BandReader(new Uint8Array(await new Response(stream).arrayBuffer()));
  const read = (n: number) => data.factors.map(() => reader.read(n));
  return {
    history: data.seriesKeys.map(() => read(data.dates.length)),
    lags: data.lagMethods.map(() => read(data.lagCount)),
  };
}
