import type { ConfigCalibration } from '@macrograd/pipeline';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import { formatCount, formatNumber, formatTable } from '../format.js';
import type { Session } from '../session.js';

/**
 * `macrograd simulate --like <config>`: what a method's intervals hold in worlds made by its own fit of one's data; several
 * methods one after another.
 */
export async function calibrateLike(
  session: Session,
  file: string,
  worlds: number,
  methods: readonly string[] = ['lstm'],
): Promise<number> {
  const { calibrateConfig } = await import('@macrograd/pipeline');
  for (const method of methods) {
    const { update: onProgress } = session.progress();
    const calibration = await calibrateConfig(file, { method, worlds, signal: session.signal, onProgress });
    const { factors, level, coverage, scale, count } = calibration;
    const lines = [...factors, 'all'].map((factor, j) => ({ factor, coverage: coverage[j], scale: scale[j] }));
    session.result(calibrationText(calibration), { method, level, worlds, count, factors: lines });
  }
  return exitCodes.done;
}

function calibrationText({ method, factors, level, coverage, scale, count, worlds }: ConfigCalibration): string {
  const lines = [...factors, pc.bold('all')].map((factor, j) => [
    factor,
    `${formatNumber(100 * coverage[j], 0)} %`,
    formatNumber(scale[j], 2),
  ]);
  const nominal = `${formatNumber(100 * level, 0)} %`;
  return [
    `${pc.bold(`Intervals of ${method}`)} in ${worlds} ${worlds === 1 ? 'world' : 'worlds'} made by its own fit of these data`,
    formatTable([['factor', 'covered', 'scale'].map(pc.dim), ...lines], ['left', 'right', 'right']),
    pc.dim(`  covered: true exposures of ${formatCount(count)} in the ${nominal} interval`),
    pc.dim(`  scale: what standard errors would have to be multiplied by to hold ${nominal}; what the method cannot`),
    pc.dim('  express these worlds do not have, so that it is a least figure'),
  ].join('\n');
}
