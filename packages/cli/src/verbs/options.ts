import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`Give a whole number from ${least}.`);
    return value;
  };
}
