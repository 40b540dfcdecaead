import { InputError, type Place } from '@macrograd/core';
import type { core as ZodCore } from 'zod';
import type { ConfigDocument, ConfigPath } from './document.js';
import { nearestWord } from './suggest.js';

type Issue = ZodCore.$ZodIssue;

/** What zod found wrong, as one error with the place in the file and what to do about it. */
export function configError(document: ConfigDocument, issue: Issue, knownKeys: readonly string[]): InputError {
  const path = written(
    document.value(),
    issue.path.filter((step) => typeof step !== 'symbol'),
  );
  const { problem, remedy, place } =
    issue.code === 'unrecognized_keys'
      ? unknownKey(document, path, issue.keys[0], knownKeys)
      : wrongValue(document, path, issue);
  return new InputError(problem, { place, code: 'bad_config', ...(remedy ? { remedy } : {}) });
}

interface Finding {
  readonly problem: string;
  readonly remedy?: string;
  readonly place: Place;
}

function unknownKey(document: ConfigDocument, path: ConfigPath, key: string, known: readonly string[]): Finding {
  const nearest = nearestWord(key, known);
  const where = path.length === 0 ? '' : ` in ${pathText(path)}`;
  return {
    problem: `unknown key "${key}"${where}`,
    remedy: nearest ? `did you mean "${nearest}"?` : `the keys here are ${known.join(', ')}`,
    place: document.placeOfKey([...path, key]),
  };
}

function wrongValue(document: ConfigDocument, path: ConfigPath, issue: Issue): Finding {
  const name = pathText(path);
  const place = document.placeOf(path);
  const value = valueAt(document.value(), path);
  if (value === undefined) return { problem: `"${name}" is missing`, remedy: expectation(issue), place };
  return { problem: `"${name}" is ${JSON.stringify(value)}`, remedy: expectation(issue, value), place };
}

function expectation(issue: Issue, value?: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      const nearest = typeof value === 'string' ? nearestWord(value, allowed) : undefined;
      return nearest ? `did you mean "${nearest}"?` : `expected ${listed(allowed)}`;
    }
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? 'expected at least one'
        : `expected ${issue.minimum} or more`;
    case 'too_big':
      return `expected ${issue.maximum} or less`;
    default:
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of names',
};

function listed(words: readonly string[]): string {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** `factors[0].series.INFL.column` */
function pathText(path: ConfigPath): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

/** The path as it was written: what a short form (`ols` for `{ method: ols }`) stands for ends at the short form. */
function written(value: unknown, path: ConfigPath): ConfigPath {
  const end = path.findIndex((_, length) => {
    const at = valueAt(value, path.slice(0, length));
    return at !== undefined && typeof at !== 'object';
  });
  return end < 0 ? path : path.slice(0, end);
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let current = value;
  for (const step of path) {
    if (current === null || typeof current !== 'object') return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}
