/** `4 s`, `1 min 20 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** A number with the given decimals and a real sign, or a dash where there is none. */
export function formatNumber(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return '-';
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? (0).toFixed(decimals) : text.replace('-', '−');
}

/** Whole numbers with thin separators: `12,345`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** A size in bytes as `312 B`, `48 KB`, `3.1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Whether a column's cells are words (left-aligned) or numbers (right-aligned). */
export type Alignment = 'left' | 'right';

/** Columns padded to their widest cell, two spaces apart, indented by two. Cells may carry colour codes. */
export function formatTable(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const widths = alignments.map((_, column) => Math.max(...rows.map((row) => visibleLength(row[column] ?? ''))));
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const gap = ' '.repeat(widths[column] - visibleLength(cell));
        return alignments[column] === 'left' ? cell + gap : gap + cell;
      });
      return `  ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes start with the escape character
const colourCode = /\u001b\[\d+m/g;

function visibleLength(text: string): number {
  return text.replace(colourCode, '').length;
}
