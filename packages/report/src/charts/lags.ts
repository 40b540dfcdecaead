import type { EChartsOption } from 'echarts';
import { escapeHtml, fixed } from '../format.js';
import type { Band } from '../page-data.js';
import { linePoints, whiskerSeries } from './band.js';
import { axisStyle, type ChartTheme, tooltipStyle, valueAxis } from './theme.js';

/** What the two charts of the lag profile show; the band is already in the unit of the axis. */
export interface LagInput {
  readonly band: Band;
  /** `month`, `week`, ... */
  readonly period: string;
  readonly unit: string;
  readonly colour: string;
  readonly name: string;
  readonly theme: ChartTheme;
}

/** Exposure at every lag, with its interval. */
export function lagOption(input: LagInput): EChartsOption {
  const lags = Array.from(input.band.value.keys());
  return {
    ...frame(input, lags.length, (i) => {
      const { value, lo, hi } = input.band;
      const range = Number.isFinite(lo[i]) ? ` [${fixed(lo[i], 3)}, ${fixed(hi[i], 3)}]` : '';
      return `${fixed(value[i], 3)}${range}`;
    }),
    series: [
      {
        type: 'bar',
        name: input.name,
        data: linePoints(lags, input.band.value),
        itemStyle: { color: input.colour, opacity: 0.75, borderRadius: 2 },
        barMaxWidth: 16,
        barCategoryGap: '35%',
        emphasis: { disabled: true },
      },
      whiskerSeries(lags, input.band, input.theme.text, 'interval'),
    ],
  };
}

/** Sum of the exposures from lag 0 up to each lag; a missing lag ends it. */
export function cumulativeLagOption(input: LagInput): EChartsOption {
  let sum = 0;
  const total = input.band.value.map((x) => {
    sum += x;
    return sum;
  });
  const lags = Array.from(total.keys());
  return {
    ...frame(input, lags.length, (i) => fixed(total[i], 3)),
    series: [
      {
        type: 'line',
        name: input.name,
        data: linePoints(lags, total),
        symbol: 'circle',
        symbolSize: 5,
        lineStyle: { color: input.colour, width: 2 },
        itemStyle: { color: input.colour },
        areaStyle: { color: input.colour, opacity: 0.1 },
        emphasis: { disabled: true },
      },
    ],
  };
}

function frame({ theme, unit, period }: LagInput, count: number, text: (lag: number) => string): EChartsOption {
  const style = axisStyle(theme);
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 8, right: 14, top: 34, bottom: 28, containLabel: true },
    tooltip: {
      trigger: 'axis',
      ...tooltipStyle(theme),
      formatter: (at) => {
        const first = (Array.isArray(at) ? at[0] : at) as unknown as { value: number[] };
        const lag = Number(first.value[0]);
        return `<b>${lag} ${escapeHtml(period)}${lag === 1 ? '' : 's'} before</b><br>${text(lag)} <span style="opacity:.65">${escapeHtml(unit)}</span>`;
      },
    },
    xAxis: {
      type: 'category',
      data: Array.from({ length: count }, (_, lag) => String(lag)),
      ...style,
      name: `lag (${period}s)`,
      nameLocation: 'middle',
      nameGap: 26,
      axisLabel: { ...style.axisLabel, interval: (lag: number) => lag % lagLabelStep(count) === 0 },
      splitLine: { show: false },
    },
    yAxis: valueAxis(theme, unit),
  };
}

function lagLabelStep(count: number): number {
  return count > 26 ? 6 : count > 14 ? 3 : count > 8 ? 2 : 1;
}
