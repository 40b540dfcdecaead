/** Where in a user's file something is wrong; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** Machine-readable reason of a {@link MacrogradError}; stable across versions. */
export type ErrorCode =
  | 'bad_input'
  | 'bad_config'
  | 'bad_argument'
  | 'shape_mismatch'
  | 'not_finite'
  | 'cancelled'
  | 'native_failure'
  | 'not_found'
  | 'unreachable'
  | 'verification_failed';

/** Writes a place as `file:line:column`, leaving out what is unknown. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
}

/** Base class of everything macrograd throws on purpose: what is wrong, where, and what to do about it. */
export class MacrogradError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly place: Place | undefined;

  constructor(code: ErrorCode, problem: string, options: { remedy?: string; place?: Place; cause?: unknown } = {}) {
    const where = options.place ? `${formatPlace(options.place)}: ` : '';
    const remedy = options.remedy ? `; ${options.remedy}` : '';
    super(`${where}${problem}${remedy}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = options.remedy;
    this.place = options.place;
  }
}

/** A user's data or configuration can't be used; the command line exits with 2. */
export class InputError extends MacrogradError {
  constructor(
    problem: string,
    options: { remedy?: string; place?: Place; cause?: unknown; code?: 'bad_input' | 'bad_config' } = {},
  ) {
    super(options.code ?? 'bad_input', problem, options);
  }
}

/** A function was called with arguments that make no sense: a mistake in the calling program. */
export class ArgumentError extends MacrogradError {
  constructor(problem: string, remedy?: string) {
    super('bad_argument', problem, remedy === undefined ? {} : { remedy });
  }
}

/** Work was stopped through its AbortSignal; the command line exits with 130. */
export class CancelledError extends MacrogradError {
  constructor(what = 'the work') {
    super('cancelled', `${what} was cancelled`);
  }
}
