import { percent, present } from '../format.js';
import type { Maybe } from '../page-data.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 96;
const HEIGHT = 14;

/** A dot with its interval on a scale from -scale to scale, the middle line at 0. */
export function whisker(value: Maybe, lo: Maybe, hi: Maybe, scale: number, significant: boolean): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'whisker', role: 'img' };
  for (const [name, text] of Object.entries(attributes)) svg.setAttribute(name, String(text));
  svg.setAttribute('aria-label', `${percent(value)} % per SD`);
  const x = (v: number) => WIDTH / 2 + Math.max(-1, Math.min(1, v / scale)) * (WIDTH / 2 - 5);
  const middle = HEIGHT / 2;
  const add = (tag: string, shape: Readonly<Record<string, number | string>>) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, text] of Object.entries(shape)) element.setAttribute(name, String(text));
    svg.append(element);
  };
  add('line', { x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: HEIGHT, class: 'zero' });
  if (!present(value)) return svg;
  const side = value < 0 ? 'negative' : 'positive';
  if (present(lo) && present(hi)) add('line', { x1: x(lo), x2: x(hi), y1: middle, y2: middle, class: `range ${side}` });
  add('circle', { cx: x(value), cy: middle, r: 3.4, class: `${side} ${significant ? 'on' : 'off'}` });
  return svg;
}
