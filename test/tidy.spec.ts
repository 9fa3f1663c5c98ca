import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

// What lint and the type checker cannot see. Each test lists the offenders.

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 400;
const MAX_SPEC_LINES = 600;
const PURE_LIBS = [
  'allocator',
  'cluster',
  'core',
  'deployment',
  'haproxy-config-parser',
  'marathon-v2',
  'matcher',
  'mesos-v1',
  'routing',
];
const FORBIDDEN_NAME =
  /^(?:utils?|helpers?|common|shared|misc|manager)(?:\.|$)|[-.](?:utils?|helpers?|manager)\./;

const isSource = (path: string): boolean => /\.tsx?$/.test(path);
const isSpec = (path: string): boolean => /\.spec\.tsx?$/.test(path);

function listFiles(folder: string): readonly string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => !/(?:^|\/)(?:node_modules|dist|fixtures|artifacts)\//.test(file))
    .map((file) => join(folder, file))
    .filter((file) => statSync(join(ROOT, file)).isFile());
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const folders = (parent: string): readonly string[] =>
  readdirSync(join(ROOT, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name));

const sources = ['apps', 'libs', 'test'].flatMap(listFiles).filter(isSource);
const pureSources = PURE_LIBS.flatMap((name) => listFiles(`libs/${name}/src`)).filter(
  (file) => isSource(file) && !isSpec(file),
);
/** Code without comments, near enough: a word in a comment is no use of it. */
const codeOf = (file: string): string =>
  read(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(?:^|\s)\/\/.*$/gm, '');

describe('the source tree', () => {
  it('has no file that is too long to read', () => {
    const long = sources
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > (isSpec(file) ? MAX_SPEC_LINES : MAX_LINES));

    expect(long).toEqual([]);
  });

  it('names files after concepts', () => {
    expect(sources.filter((file) => FORBIDDEN_NAME.test(basename(file)))).toEqual([]);
  });

  it('writes file names in kebab-case, but for React components', () => {
    const other = sources.filter(
      (file) =>
        !/^[a-z0-9]+(?:[-.][a-z0-9]+)*\.tsx?$/.test(basename(file)) && !file.endsWith('.tsx'),
    );

    expect(other).toEqual([]);
  });

  it('explains each app and lib on one page', () => {
    const silent = [...folders('apps'), ...folders('libs')].filter(
      (folder) => !existsSync(join(ROOT, folder, 'README.md')),
    );

    expect(silent).toEqual([]);
  });

  it('keeps chance and the clock out of pure libs', () => {
    // Timers, fetch and process do not exist there: their tsconfig has neither Node's nor the DOM's types.
    const impure = pureSources.filter((file) =>
      /\bMath\.random\b|\bDate(?:\.|\()/.test(codeOf(file)),
    );

    expect(impure).toEqual([]);
  });

  it('gives each lib one index with named exports', () => {
    const libs = folders('libs');
    const indexes = listFiles('libs').filter((file) => basename(file) === 'index.ts');
    const starred = indexes.filter((file) => /export \*/.test(codeOf(file)));

    expect(indexes.toSorted()).toEqual(
      libs.map((folder) => join(folder, 'src/index.ts')).toSorted(),
    );
    expect(starred).toEqual([]);
  });

  it('exports no default and no enum, as names are found by searching', () => {
    const own = sources.filter((file) => !/(?:^|\/)[\w.-]+\.config\.ts$/.test(file));

    const offenders = own.filter((file) =>
      /^export default |^(?:export )?(?:const )?enum /m.test(codeOf(file)),
    );

    expect(offenders).toEqual([]);
  });

  it('opens an issue for whatever is left to do', () => {
    const vague = sources.filter((file) => /\b(?:TODO(?!\(#\d+\))|FIXME|XXX)\b/.test(read(file)));

    expect(vague.filter((file) => file !== 'test/tidy.spec.ts')).toEqual([]);
  });
});
