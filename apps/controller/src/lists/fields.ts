import { type Query, readTexts } from '../http/query.js';
import { badQuery, shown } from './bad-query.js';

/** Which members of an object are shown; `all` shows what is below as it is. Lists are passed through. */
export interface Selection {
  readonly [field: string]: Selection | 'all';
}

/** What may be selected: `any` has members nobody knows beforehand, `value` has none. */
export interface KnownFields {
  readonly [field: string]: 'value' | 'any' | KnownFields;
}

const MAX_FIELDS = 200;
const MAX_FIELD_CHARS = 500;

/**
 * Reads `fields=id,labels.tier,tasks.id`; a dot within a name is written `\.`. Undefined: everything. Throws 422 naming a
 * field that nothing of this kind has.
 */
export function readFields(query: Query, known: KnownFields): Selection | undefined {
  const texts = readTexts(query, 'fields');
  if (texts.length === 0) return undefined;
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim());
  if (names.length > MAX_FIELDS) {
    throw badQuery('fields', `names ${names.length} fields, the limit is ${MAX_FIELDS}`);
  }
  const selection = emptySelection();
  for (const name of names) add(selection, splitName(name), known, name);
  return selection;
}

/** The selected members of a value, in the order the value has them. */
export function selectFields(value: unknown, selection: Selection | 'all'): unknown {
  if (selection === 'all') return value;
  if (Array.isArray(value)) return value.map((one) => selectFields(one, selection));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const wanted = selection[name];
      return wanted === undefined ? [] : [[name, selectFields(member, wanted)]];
    }),
  );
}

type WritableSelection = { [field: string]: WritableSelection | 'all' };

/** Without a prototype: a field may be called like what every object has. */
const emptySelection = (): WritableSelection => Object.create(null) as WritableSelection;

function add(
  selection: WritableSelection,
  path: readonly string[],
  known: KnownFields | 'any',
  name: string,
): void {
  const [first = '', ...rest] = path;
  const below = known === 'any' ? 'any' : Object.hasOwn(known, first) ? known[first] : undefined;
  if (first === '' || below === undefined || name.length > MAX_FIELD_CHARS) {
    throw badQuery('fields', `names '${shown(name)}', which is no field here`);
  }
  const present = selection[first];
  if (rest.length === 0) {
    selection[first] = 'all';
    return;
  }
  if (below === 'value') {
    throw badQuery('fields', `names '${shown(name)}', but '${first}' has no members`);
  }
  // Below what is shown as a whole the rest of the name must still be known.
  const inner = present === 'all' || present === undefined ? emptySelection() : present;
  if (present !== 'all') selection[first] = inner;
  add(inner, rest, below, name);
}

const splitName = (name: string): readonly string[] =>
  name.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'));
