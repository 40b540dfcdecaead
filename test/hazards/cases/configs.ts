/** A config and the beginning of its refusal, or undefined where it is read. */
export interface ConfigHazard {
  readonly name: string;
  readonly text: string;
  readonly refuses: string | undefined;
}

const GOOD = 'factors:\n  - file: m.csv\nassets:\n  - file: r.csv\noutput: out\n';

/** Nine levels of nine aliases each: 387 million strings out of 600 characters. */
const laughs = Array.from({ length: 9 }, (_, level) => {
  const inner = level === 0 ? '"lol"' : `*a${level - 1}`;
  return `a${level}: &a${level} [${Array(9).fill(inner).join(', ')}]`;
}).join('\n');

/** YAML and JSON that go wrong. */
export const configHazards: readonly ConfigHazard[] = [
  { name: 'the least that runs', text: GOOD, refuses: undefined },
  { name: 'JSON', text: '{"factors":[{"file":"m.csv"}],"assets":[{"file":"r.csv"}],"output":"o"}', refuses: undefined },
  { name: 'a byte order mark', text: `\uFEFF${GOOD}`, refuses: undefined },
  { name: 'Windows line ends', text: GOOD.replaceAll('\n', '\r\n'), refuses: undefined },
  { name: 'JSON cut off', text: '{"factors":[{"file":"m.csv"}],"assets":[{"file', refuses: 'FILE:1:' },
  { name: 'JSON a hundred thousand levels deep', text: '['.repeat(100_000), refuses: 'FILE' },
  { name: 'aliases that multiply', text: `${laughs}\n${GOOD}`, refuses: 'FILE: the aliases of this config' },
  { name: 'a key twice', text: `${GOOD}seed: 1\nseed: 2\n`, refuses: 'FILE:7:1: map keys must be unique' },
  { name: 'the key __proto__', text: `${GOOD}__proto__: { seed: 2 }\n`, refuses: 'FILE:6:1: unknown key "__proto__"' },
  {
    name: 'a series called __proto__',
    text: GOOD.replace('m.csv\n', 'm.csv\n    series:\n      __proto__: { column: A }\n'),
    refuses: 'FILE:4:7: nothing can be called "__proto__"; give it another name; a column may have this one',
  },
  {
    name: 'a series called constructor',
    text: GOOD.replace('m.csv\n', 'm.csv\n    series:\n      constructor: { column: A }\n'),
    refuses: undefined,
  },
  {
    name: 'a surprise against nothing',
    text: GOOD.replace('m.csv\n', 'm.csv\n    series:\n      X: { column: A, surprise: { against: B } }\n'),
    refuses: 'FILE:4:33: "factors[0].series.X.surprise" is {"against":"B"}; expected the order of an autoregression',
  },
  { name: 'holidays that are no list', text: `${GOOD}calendar: { holidays: 3 }\n`, refuses: 'FILE:6:23: "calendar.' },
  { name: 'the key constructor', text: `${GOOD}constructor: 1\n`, refuses: 'FILE:6:1: unknown key "constructor"' },
  { name: 'tabs for indentation', text: 'factors:\n\t- file: m.csv\n', refuses: 'FILE:2:1:' },
  { name: 'a tag that makes objects', text: `${GOOD}name: !!js/function 'f'\n`, refuses: 'FILE:6:7: unresolved tag' },
  { name: 'a list in place of keys', text: '- a\n- b\n', refuses: 'FILE:1:1: the config is not a map of keys' },
  { name: 'text in place of keys', text: 'hello\n', refuses: 'FILE:1:1: the config is not a map of keys' },
  { name: 'an empty file', text: '', refuses: 'FILE:1:1: the config is empty' },
  { name: 'NUL bytes', text: `${GOOD}\0`, refuses: 'FILE' },
];
