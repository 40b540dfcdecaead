import { InputError } from '@macrograd/core';

/** Arithmetic over columns, parsed: `GS10 - FEDFUNDS`. */
export interface Expression {
  /** Names of the columns that it uses, each once. */
  readonly columns: readonly string[];
  /** Value from one number a column, in the order of `columns`; NaN where one is missing or not finite. */
  evaluate(values: ArrayLike<number>): number;
}

type Node = (values: ArrayLike<number>) => number;

interface Token {
  readonly kind: 'number' | 'name' | 'symbol';
  readonly text: string;
  /** Character of the expression, from 1. */
  readonly at: number;
}

const TOKEN = /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([\p{L}_][\p{L}\p{N}_.]*)|`([^`]+)`|([-+*/()]))/uy;

/**
 * Parses `+ - * /`, parentheses, numbers and column names; a name with other characters stands in backticks.
 *
 * @throws InputError (`bad_config`) with the character at which it goes wrong.
 *
 * @example
 * const spread = parseExpression('BAA - AAA');
 * spread.evaluate([5.7, 4.6]); // 1.1, columns in the order of spread.columns
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(text);
  const root = parser.parse();
  const evaluate = (values: ArrayLike<number>) => {
    const value = root(values);
    return Number.isFinite(value) ? value : Number.NaN;
  };
  return { columns: parser.columns, evaluate };
}

/** Recursive descent: sum = product (+|- product)*; product = unary (*|/ unary)*; unary = -unary | atom. */
class Parser {
  readonly columns: string[] = [];
  private readonly tokens: readonly Token[];
  private next = 0;

  constructor(private readonly text: string) {
    this.tokens = tokenise(text);
  }

  parse(): Node {
    const root = this.sum();
    const rest = this.tokens[this.next];
    if (rest) throw problemAt(this.text, rest.at, `"${rest.text}" does not belong here`);
    return root;
  }

  private sum(): Node {
    let left = this.product();
    for (let symbol = this.take('+', '-'); symbol; symbol = this.take('+', '-')) {
      const [a, b] = [left, this.product()];
      left = symbol === '+' ? (v) => a(v) + b(v) : (v) => a(v) - b(v);
    }
    return left;
  }

  private product(): Node {
    let left = this.unary();
    for (let symbol = this.take('*', '/'); symbol; symbol = this.take('*', '/')) {
      const [a, b] = [left, this.unary()];
      left = symbol === '*' ? (v) => a(v) * b(v) : (v) => a(v) / b(v);
    }
    return left;
  }

  private unary(): Node {
    if (!this.take('-')) return this.atom();
    const operand = this.unary();
    return (v) => -operand(v);
  }

  private atom(): Node {
    const token = this.tokens[this.next++];
    if (!token) throw problemAt(this.text, this.text.length + 1, 'a column or a number is missing');
    if (token.kind === 'number') return constant(Number(token.text));
    if (token.kind === 'name') return this.column(token.text);
    if (token.text !== '(')
      throw problemAt(this.text, token.at, `a column or a number is missing before "${token.text}"`);
    const inner = this.sum();
    if (!this.take(')')) throw problemAt(this.text, token.at, 'this parenthesis is not closed');
    return inner;
  }

  private column(name: string): Node {
    if (!this.columns.includes(name)) this.columns.push(name);
    const index = this.columns.indexOf(name);
    return (values) => values[index];
  }

  private take(...symbols: readonly string[]): string | undefined {
    const token = this.tokens[this.next];
    if (token?.kind !== 'symbol' || !symbols.includes(token.text)) return undefined;
    this.next++;
    return token.text;
  }
}

function constant(value: number): Node {
  return () => value;
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (text.slice(position).trim() !== '') {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(text);
    const start = position + text.slice(position).search(/\S/);
    if (!match) throw problemAt(text, start + 1, `"${text[start]}" can't be read`);
    const [, number, plain, inBackticks, symbol] = match;
    const name = plain ?? inBackticks;
    const kind = number === undefined ? (name === undefined ? 'symbol' : 'name') : 'number';
    tokens.push({ kind, text: number ?? name ?? symbol, at: start + 1 });
    position = TOKEN.lastIndex;
  }
  return tokens;
}

function problemAt(text: string, at: number, problem: string): InputError {
  return new InputError(`in the expression "${text}", character ${at}: ${problem}`, {
    code: 'bad_config',
    remedy: 'write + - * /, parentheses, numbers and column names (in backticks where they have other characters)',
  });
}
