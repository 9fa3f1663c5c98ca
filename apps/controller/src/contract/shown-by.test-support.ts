import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const textOf = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../${file}`, import.meta.url)), 'utf8');

/** A fact of the contract that another spec shows: tests of these titles are there. */
export function shownBy(fact: string, file: string, ...titles: readonly string[]): void {
  it(`${fact}: see ${file}`, () => {
    const text = textOf(file);
    expect(titles.filter((title) => !text.includes(title))).toEqual([]);
  });
}

/** A fact of the contract that does not hold for us, on purpose: the README says so in these words. */
export function decidedOtherwise(fact: string, words: string): void {
  it(`${fact}: decided otherwise`, () => {
    const text = textOf('apps/controller/README.md');
    expect(text.replaceAll(/\s+/g, ' ')).toContain(words);
  });
}
