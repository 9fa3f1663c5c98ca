import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/**
 * A row of the contract that another spec shows: where, and by which test. Fails when that test is gone or has another
 * name. Paths are relative to apps/controller/src.
 */
export function rowShownIn(row: string, file: string, ...titles: readonly string[]): void {
  it(`${row}: shown in ${file}`, () => {
    const spec = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');

    expect(titles.filter((title) => !spec.includes(`('${title}'`))).toEqual([]);
  });
}
