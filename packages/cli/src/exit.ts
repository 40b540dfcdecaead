import { MacrogradError } from '@macrograd/core';
import pc from 'picocolors';

/** Exit codes of the command. */
export const exitCodes = { done: 0, failed: 1, refused: 2, interrupted: 130 } as const;

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof MacrogradError)) return exitCodes.failed;
  switch (error.code) {
    case 'cancelled':
      return exitCodes.interrupted;
    case 'bad_input':
    case 'bad_config':
    case 'bad_argument':
    case 'not_found':
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

/**
 * Tells an error to a person. What macrograd throws on purpose is its message alone, with the place in front where
 * there is one, as editors and terminals read it; anything else says how to see more. `MACROGRAD_DEBUG=1` shows stacks.
 */
export function describeError(error: unknown): string {
  const label = pc.red('error:');
  if (process.env.MACROGRAD_DEBUG) return `${label} ${error instanceof Error ? stackOf(error) : String(error)}`;
  if (error instanceof MacrogradError) return error.place ? error.message : `${label} ${error.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return `${label} ${message}\n${pc.dim('this is not meant to happen; MACROGRAD_DEBUG=1 shows where')}`;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
