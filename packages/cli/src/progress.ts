import type { ProgressCallback } from '@macrograd/core';
import pc from 'picocolors';
import { formatDuration } from './format.js';

/** Shows how far long work is, on standard error, until it is stopped. */
export interface ProgressDisplay {
  readonly update: ProgressCallback;
  /** Removes the line; nothing is shown after. */
  stop(): void;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
/** Without a terminal a line is printed when this much more is done. */
const PLAIN_STEP = 0.1;
/** Time left is told once this share is done: before, it is a guess. */
const ESTIMATE_FROM = 0.03;

/** One line that is drawn over on a terminal; a few plain lines elsewhere. */
export function progressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? terminalProgress(stream) : plainProgress(stream);
}

/** Shows nothing. */
export const silentProgress: ProgressDisplay = { update: () => {}, stop: () => {} };

function terminalProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  const started = Date.now();
  let drawn = 0;
  let stopped = false;
  return {
    update(fraction, what) {
      const now = Date.now();
      if (stopped || (now - drawn < REDRAW_MS && fraction < 1)) return;
      drawn = now;
      const filled = Math.round(fraction * BAR_WIDTH);
      const bar = pc.cyan('━'.repeat(filled)) + pc.dim('━'.repeat(BAR_WIDTH - filled));
      const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
      const left = pc.dim(timeLeft(fraction, (now - started) / 1000).padEnd(16));
      const room = Math.max(10, (stream.columns ?? 80) - BAR_WIDTH - 27);
      stream.write(`\r\u001b[2K${bar} ${percent}  ${left} ${what.slice(0, room)}`);
    },
    stop() {
      if (!stopped) stream.write('\r\u001b[2K');
      stopped = true;
    },
  };
}

function plainProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  const started = Date.now();
  let next = 0;
  let stopped = false;
  return {
    update(fraction, what) {
      if (stopped || fraction < next) return;
      next = Math.floor(fraction / PLAIN_STEP + 1) * PLAIN_STEP;
      const seconds = (Date.now() - started) / 1000;
      const left = timeLeft(fraction, seconds);
      stream.write(`${`${Math.floor(fraction * 100)}%`.padStart(4)}  ${what}${left ? `  (${left})` : ''}\n`);
    },
    stop() {
      stopped = true;
    },
  };
}

function timeLeft(fraction: number, seconds: number): string {
  if (fraction < ESTIMATE_FROM || fraction >= 1) return '';
  return `${formatDuration((seconds / fraction) * (1 - fraction))} left`;
}
