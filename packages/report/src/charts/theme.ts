/** Colours and type of the charts; the page reads them from its style sheet, the PNG writer uses {@link lightTheme}. */
export interface ChartTheme {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  /** Shade behind dates that the fit has seen. */
  readonly shade: string;
  /** Diverging scale, negative to positive, through a neutral middle. */
  readonly diverging: readonly string[];
  readonly font: string;
  readonly dark: boolean;
}

/** Theme of print and PNG. */
export const lightTheme: ChartTheme = {
  text: '#1c2430',
  muted: '#5b6675',
  line: '#dfe3e8',
  surface: '#ffffff',
  shade: '#eef1f4',
  diverging: ['#b2182b', '#d6604d', '#f4a582', '#fddbc7', '#f7f7f7', '#d1e5f0', '#92c5de', '#4393c3', '#2166ac'],
  // Without quotes: the chart library writes it into an XML attribute as it stands.
  font: 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, DejaVu Sans, Arial, sans-serif',
  dark: false,
};

/** Theme of screens set to dark: the scale's middle is the background, its ends are bright. */
export const darkTheme: ChartTheme = {
  ...lightTheme,
  text: '#e6eaf0',
  muted: '#a3adba',
  line: '#323a45',
  surface: '#14181e',
  shade: '#1d232b',
  diverging: ['#f4796b', '#d6604d', '#a8473c', '#5d322f', '#242a32', '#27425c', '#2f6597', '#4393c3', '#7fbce6'],
  dark: true,
};

/** Axis style shared by all charts: hairlines, no ticks. */
export function axisStyle(theme: ChartTheme) {
  return {
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    axisLabel: { color: theme.muted, fontSize: 11.5, fontFamily: theme.font },
    nameTextStyle: { color: theme.muted, fontSize: 11.5, fontFamily: theme.font },
    splitLine: { lineStyle: { color: theme.line, opacity: 0.7 } },
  };
}

/** A vertical axis of numbers that contains 0, its unit written above it. */
export function valueAxis(theme: ChartTheme, unit: string) {
  const style = axisStyle(theme);
  return {
    type: 'value' as const,
    ...style,
    name: unit,
    nameGap: 12,
    nameTextStyle: { ...style.nameTextStyle, align: 'left' as const },
    axisLabel: { ...style.axisLabel, formatter: axisNumber },
  };
}

/** Axis label without trailing noise and with a true minus sign. */
function axisNumber(value: number): string {
  return String(Number(value.toPrecision(6))).replace('-', '\u2212');
}

/** Tooltip style shared by all charts. */
export function tooltipStyle(theme: ChartTheme) {
  return {
    backgroundColor: theme.surface,
    borderColor: theme.line,
    borderWidth: 1,
    padding: [8, 11],
    textStyle: { color: theme.text, fontSize: 12.5, fontFamily: theme.font },
    extraCssText: 'box-shadow:0 4px 18px rgba(0,0,0,.14);border-radius:8px;max-width:320px;white-space:normal',
    confine: true,
  };
}
