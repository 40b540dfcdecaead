import { scaleBand } from '../charts/band.js';
import { type HistoryLine, historyOption } from '../charts/history.js';
import { fixed, present, probability } from '../format.js';
import { markTheme, methodColour, methodHint, methodName } from '../labels.js';
import type { Band, PageData } from '../page-data.js';
import { firstMethods, type Selection } from '../selection.js';
import { type AssetBands, assetBands } from './blob.js';
import { MountedChart } from './chart.js';
import { byId, h, segmented, select } from './dom.js';
import type { SelectionStore } from './selection.js';

interface View {
  kind: string;
  perSd: boolean;
  methods: Set<string>;
}

const kindNames: Readonly<Record<string, string>> = {
  contemporaneous: 'same period',
  cumulative: 'cumulative',
  total: 'total',
};

const kindHints: Readonly<Record<string, string>> = {
  contemporaneous: 'Response in the factor\u2019s own period.',
  cumulative: 'Sum of the responses over all lags.',
  total: 'The other factors move as they usually do with this one.',
};

/** Exposure through time of the selected asset and factor. */
export function mountHistory(data: PageData, selection: SelectionStore): void {
  const chart = new MountedChart(byId('history-chart'));
  const kinds = [...new Set(data.seriesKeys.map(({ kind }) => kind))].sort();
  const methods = drawnMethods(data);
  const view: View = {
    kind: kinds[0] ?? 'contemporaneous',
    perSd: false,
    methods: new Set(firstMethods(data, selection.current.asset)),
  };
  const redraw = () => void show(data, view, selection.current, chart);
  const pickers = pairPickers(data, selection);
  byId('history-controls').append(
    ...pickers.elements,
    segmented(
      'Kind',
      kinds.map((kind) => ({ value: kind, name: kindNames[kind] ?? kind, hint: kindHints[kind] ?? '' })),
      view.kind,
      (kind) => {
        view.kind = kind;
        redraw();
      },
    ),
    segmented(
      'Unit',
      [
        { value: 'unit', name: 'per unit' },
        {
          value: 'sd',
          name: 'per SD',
          hint: 'Per one SD of the factor over the whole span, so that a fold\u2019s own SD does not move the line.',
        },
      ],
      'unit',
      (unit) => {
        view.perSd = unit === 'sd';
        redraw();
      },
    ),
    methodToggles(methods, view, redraw),
  );
  selection.follow((current) => {
    pickers.set(current);
    redraw();
  });
}

/** Methods with exposures through time, the chosen mix last. */
function drawnMethods(data: PageData): string[] {
  return [...data.methods, 'chosen'].filter((method) => data.seriesKeys.some((key) => key.method === method));
}

function pairPickers(data: PageData, selection: SelectionStore) {
  const assets = data.assets
    .map(({ name }, i) => ({ value: String(i), name }))
    .filter((_, i) => data.blobs[i] !== null);
  const factors = data.factors.map(({ name }, i) => ({ value: String(i), name }));
  const { asset, factor } = selection.current;
  const assetBox = select('Asset', assets, String(asset), (value) => selection.set({ asset: Number(value) }));
  const factorBox = select('Factor', factors, String(factor), (value) => selection.set({ factor: Number(value) }));
  return {
    elements: [assetBox.element, factorBox.element],
    set: (current: Selection) => {
      assetBox.set(String(current.asset));
      factorBox.set(String(current.factor));
    },
  };
}

function methodToggles(methods: readonly string[], view: View, redraw: () => void): HTMLElement {
  const buttons = methods.map((method) => {
    const swatch = h('b', { class: 'swatch', style: `background:${methodColour(method, markTheme)}` });
    const pressed = String(view.methods.has(method));
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': pressed, 'data-tip': methodHint(method) },
      swatch,
      methodName(method),
    );
    button.addEventListener('click', () => {
      if (!view.methods.delete(method)) view.methods.add(method);
      button.setAttribute('aria-pressed', String(view.methods.has(method)));
      redraw();
    });
    return button;
  });
  return h('div', { class: 'toggles', role: 'group', 'aria-label': 'Methods' }, ...buttons);
}

async function show(data: PageData, view: View, selection: Selection, chart: MountedChart): Promise<void> {
  const bands = await assetBands(data, selection.asset);
  const factor = data.factors[selection.factor];
  const unit = view.perSd ? '% per 1 SD' : `% per 1 ${factor.unit}`;
  const lines = bands ? historyLines(data, view, selection, bands) : [];
  byId('history-reading').replaceChildren(...reading(data, selection, lines, unit));
  chart.draw((theme) =>
    historyOption({
      dates: data.dates,
      lines: lines.map(
        ({ method, band }): HistoryLine => ({
          name: methodName(method),
          colour: methodColour(method, theme),
          band,
        }),
      ),
      regions: data.regions,
      unit,
      theme,
    }),
  );
}

function historyLines(data: PageData, view: View, selection: Selection, bands: AssetBands) {
  const sd = data.factors[selection.factor].sd ?? 1;
  return drawnMethods(data)
    .filter((method) => view.methods.has(method))
    .flatMap((method): { method: string; band: Band }[] => {
      const own = data.seriesKeys.findIndex((key) => key.method === method && key.kind === view.kind);
      // A method without lags has one kind: its cumulative exposure is its contemporaneous one.
      const key = own >= 0 ? own : data.seriesKeys.findIndex((other) => other.method === method);
      if (key < 0) return [];
      const band = bands.history[key][selection.factor];
      return [{ method, band: view.perSd ? scaleBand(band, sd) : band }];
    });
}

function reading(
  data: PageData,
  { asset, factor }: Selection,
  lines: readonly { method: string; band: Band }[],
  unit: string,
): (Node | string)[] {
  const pair = h('strong', {}, `${data.assets[asset].name} on ${data.factors[factor].name}`);
  if (data.blobs[asset] === null) return [pair, ': this asset has no charts in this file.'];
  const parts = lines.map(({ method, band }) => {
    const i = band.value.findLastIndex(Number.isFinite);
    if (i < 0) return `; ${methodName(method)}: no estimate`;
    const range = Number.isFinite(band.lo[i]) ? ` (${fixed(band.lo[i], 2)} to ${fixed(band.hi[i], 2)})` : '';
    const q = data.summary[method]?.q[asset * data.factors.length + factor];
    const test = present(q) ? `, q over the whole span ${probability(q)}` : '';
    return `; ${methodName(method)} ${fixed(band.value[i], 2)}${range} in ${data.dates[i].slice(0, 7)}${test}`;
  });
  return [pair, `, ${unit}`, ...parts, '.'];
}
