import type { EChartsOption, SeriesOption } from 'echarts';
import { escapeHtml, fixed, NONE } from '../format.js';
import type { Band, PageRegion } from '../page-data.js';
import { bandSeries, linePoints } from './band.js';
import { axisStyle, type ChartTheme, tooltipStyle, valueAxis } from './theme.js';

/** One method's exposure through time, already in the unit of the axis. */
export interface HistoryLine {
  readonly name: string;
  readonly colour: string;
  readonly band: Band;
}

/** What the chart of exposure through time shows. */
export interface HistoryInput {
  /** ISO dates. */
  readonly dates: readonly string[];
  readonly lines: readonly HistoryLine[];
  readonly regions: readonly PageRegion[];
  /** `% per 1 pp`. */
  readonly unit: string;
  readonly theme: ChartTheme;
}

/** Exposure through time with interval bands, in-sample dates shaded, fold boundaries as lines. */
export function historyOption(input: HistoryInput): EChartsOption {
  const { theme, dates } = input;
  const style = axisStyle(theme);
  const x = dates.map((date) => Date.parse(date));
  const series: SeriesOption[] = [backdrop(input, x)];
  for (const line of input.lines) {
    series.push(bandSeries(x, line.band, line.colour, line.name));
    series.push({
      type: 'line',
      name: line.name,
      data: linePoints(x, line.band.value),
      showSymbol: false,
      connectNulls: false,
      lineStyle: { color: line.colour, width: 2 },
      itemStyle: { color: line.colour },
      emphasis: { disabled: true },
      z: 3,
    });
  }
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 8, right: 14, top: 58, bottom: 8, containLabel: true },
    legend: { ...legendStyle(theme), data: input.lines.map((line) => ({ name: line.name })) },
    tooltip: { trigger: 'axis', ...tooltipStyle(theme), formatter: (at) => historyTip(input, x, at) },
    xAxis: {
      type: 'time',
      ...style,
      splitLine: { show: false },
      min: x[firstPresent(input.lines)],
      max: x[x.length - 1],
      axisLabel: { ...style.axisLabel, hideOverlap: true, formatter: (at: number) => timeLabel(at) },
    },
    yAxis: valueAxis(theme, input.unit),
    series,
  };
}

/** Index of the first date at which some line has a value: an asset that starts late leaves no empty decades. */
function firstPresent(lines: readonly HistoryLine[]): number {
  const firsts = lines.map(({ band }) => band.value.findIndex(Number.isFinite)).filter((i) => i >= 0);
  return firsts.length > 0 ? Math.min(...firsts) : 0;
}

/** The year at its turn, else year and month. */
function timeLabel(at: number): string {
  const iso = new Date(at).toISOString();
  return iso.slice(5, 7) === '01' && Number(iso.slice(8, 10)) < 4 ? iso.slice(0, 4) : iso.slice(0, 7);
}

/** Legend style shared by the line charts: small, at the top left. */
export function legendStyle(theme: ChartTheme) {
  return {
    left: 0,
    top: 0,
    icon: 'roundRect',
    itemWidth: 14,
    itemHeight: 4,
    itemGap: 18,
    textStyle: { color: theme.text, fontSize: 12, fontFamily: theme.font },
  };
}

/** An empty line that carries the shading, the fold boundaries and the line at zero. */
function backdrop({ lines, regions: all, theme }: HistoryInput, x: readonly number[]): SeriesOption {
  const first = firstPresent(lines);
  const regions = all
    .filter((region) => region.end > first)
    .map((region) => ({ ...region, start: Math.max(region.start, first) }));
  const inSample = regions.filter((region) => region.inSample);
  const starts = regions.filter((region) => !region.inSample).map((region) => x[region.start]);
  const label = { color: theme.muted, fontSize: 11, fontFamily: theme.font };
  return {
    type: 'line',
    data: [],
    silent: true,
    markArea: {
      silent: true,
      // Behind the bands, whatever the order of drawing.
      z: 0,
      itemStyle: { color: theme.shade },
      label: { ...label, position: 'insideTopLeft', distance: 8 },
      data: inSample.map((region, i) => [
        { xAxis: x[region.start], ...(i === 0 ? { name: 'in sample' } : {}) },
        { xAxis: x[region.end - 1] },
      ]),
    },
    markLine: {
      silent: true,
      z: 1,
      symbol: 'none',
      label: { show: false },
      data: [
        ...starts.map((start) => ({
          xAxis: start,
          lineStyle: { color: theme.muted, type: 'solid' as const, width: 1, opacity: 0.35 },
        })),
        { yAxis: 0, lineStyle: { color: theme.muted, type: 'solid' as const, width: 1 } },
      ],
    },
  };
}

function historyTip(input: HistoryInput, x: readonly number[], at: unknown): string {
  const first = (Array.isArray(at) ? at[0] : at) as { axisValue?: number; value?: number[] } | undefined;
  const when = Number(first?.axisValue ?? first?.value?.[0]);
  const i = x.indexOf(when);
  if (i < 0) return '';
  const region = input.regions.find((r) => i >= r.start && i < r.end);
  const sample = region
    ? region.inSample
      ? `in sample, fold ${region.fit}`
      : `out of sample, fold ${region.fit}`
    : '';
  const rows = input.lines.map((line) => {
    const { value, lo, hi } = line.band;
    if (!Number.isFinite(value[i])) return tipRow(line.colour, line.name, NONE);
    const range = Number.isFinite(lo[i]) ? ` [${fixed(lo[i], 2)}, ${fixed(hi[i], 2)}]` : '';
    return tipRow(line.colour, line.name, `${fixed(value[i], 2)}${range}`);
  });
  return `<b>${input.dates[i].slice(0, 7)}</b> <span style="opacity:.65">${escapeHtml(sample)}</span><br>${rows.join('')}<span style="opacity:.65">${escapeHtml(input.unit)}</span>`;
}

/** One coloured row of a tooltip. */
export function tipRow(colour: string, name: string, text: string): string {
  return `<div style="display:flex;gap:10px;justify-content:space-between"><span><span style="display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px;background:${colour}"></span>${escapeHtml(name)}</span><span style="font-variant-numeric:tabular-nums">${escapeHtml(text)}</span></div>`;
}
