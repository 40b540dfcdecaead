import { escapeHtml } from '../format.js';

/** HTML that is already escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | readonly Html[];

/** Template tag: interpolated strings are escaped, {@link Html} and lists of it are not. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((out, piece, i) => `${out}${piece}${i < parts.length ? render(parts[i]) : ''}`, ''));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map((item) => item.text).join('');
  return escapeHtml(String(part));
}

/** A word with an explanation that shows on hover, focus and touch. */
export function term(word: string, explanation: string): Html {
  return html`<span class="term" tabindex="0" data-tip="${explanation}">${word}</span>`;
}

/** JSON that can stand inside a script element: no sequence in it can end the element. */
export function embeddedJson(value: unknown): Html {
  return new Html(
    JSON.stringify(value)
      .replace(/</g, '\\u003c')
      .replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`),
  );
}
