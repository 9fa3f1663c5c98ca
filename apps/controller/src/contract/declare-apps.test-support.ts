import { expect } from 'vitest';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

type Fields = Readonly<Record<string, unknown>>;

/** Fields that make an app one of a kind. */
export const SINGLE = { labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' } };
export const RESIDENT = {
  container: {
    type: 'MESOS',
    volumes: [{ containerPath: 'data', mode: 'RW', persistent: { size: 10 } }],
  },
};
export const EXTERNAL = {
  container: {
    type: 'MESOS',
    volumes: [{ containerPath: '/x', mode: 'RW', external: { name: 'n', provider: 'dvdi' } }],
  },
};

/** One row of a table of the contract: a field, and what becomes of what is written in it. */
export interface FieldRow {
  readonly field: string;
  /** What is shown of it when it is not given; undefined: nothing. */
  readonly absent?: unknown;
  /** Accepted: what is written, and what is shown of the field afterwards (default: the same). */
  readonly good?: readonly (readonly [Fields, unknown?])[];
  /** Refused with 422: what is written, and the path of the error. */
  readonly bad?: readonly (readonly [Fields, string])[];
}

/** The API of a controller as its users know it: POST an app, GET it, or hear why not. */
export interface AppDeclarations {
  readonly api: ApiUnderTest;
  /** The app as GET shows it, or `422 <paths>`. The id is one of its own and `cmd` is `sleep 1`, unless given. */
  declare(fields: Fields): Promise<Fields | string>;
  /** Checks one row of a table. */
  check(row: FieldRow): Promise<void>;
}

export async function startDeclarations(
  rules: NonNullable<Parameters<typeof startApi>[0]>['rules'] = {},
): Promise<AppDeclarations> {
  const api = await startApi({ rules });
  let count = 0;
  const declare = async (fields: Fields): Promise<Fields | string> => {
    count += 1;
    const id = `/n${count}`;
    const made = await api.ask('POST', '/v2/apps', { id, cmd: 'sleep 1', ...fields });
    const body = made.json();
    if (made.statusCode !== 201) {
      const paths = (body.details ?? []).map(({ path }: { readonly path: string }) => path);
      return [made.statusCode, ...paths].join(' ');
    }
    const shown = await api.ask('GET', `/v2/apps/${body.id}`);
    return shown.json().app as Fields;
  };
  const shownOf = async (fields: Fields, field: string): Promise<unknown> => {
    const outcome = await declare(fields);
    return typeof outcome === 'string' ? outcome : outcome[field];
  };
  return {
    api,
    declare,
    async check({ field, absent, good = [], bad = [] }) {
      const found: [unknown, unknown][] = [['absent', await shownOf({}, field)]];
      const expected: [unknown, unknown][] = [['absent', absent]];
      for (const [written, ...rest] of good) {
        found.push([written, await shownOf(written, field)]);
        expected.push([written, rest.length === 0 ? written[field] : rest[0]]);
      }
      for (const [written, path] of bad) {
        found.push([written, await shownOf(written, field)]);
        expected.push([written, `422 ${path}`]);
      }
      expect(found).toEqual(expected);
    },
  };
}
