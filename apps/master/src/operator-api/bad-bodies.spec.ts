import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningMaster, startMaster } from '../master.test-support.js';

/** For a loaded machine: some bodies are large. */
const LIMIT_MS = 60_000;
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

let master: RunningMaster;
beforeAll(async () => {
  master = await startMaster();
  const weights = JSON.stringify([{ role: 'eng', weight: 2 }]);
  await send('PUT', '/weights', { type: JSON_TYPE, body: weights });
  const windows = [
    { machine_ids: [{ hostname: 'h' }], unavailability: { start: { nanoseconds: 1 } } },
  ];
  const schedule = JSON.stringify({ windows });
  await send('POST', '/maintenance/schedule', { type: JSON_TYPE, body: schedule });
});
afterAll(() => master.daemon.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';

async function send(
  method: Method,
  path: string,
  given: { readonly type?: string; readonly body?: string | Buffer } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await request(`${master.url}${path}`, {
    method,
    ...(given.body === undefined ? {} : { body: given.body }),
    headers: given.type === undefined ? {} : { 'content-type': given.type },
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

const kept = async (): Promise<string> =>
  (await send('GET', '/weights')).text +
  (await send('GET', '/quota')).text +
  (await send('GET', '/maintenance/schedule')).text;

const messageOf = (text: string): string => (JSON.parse(text) as { message: string }).message;

const CHANGES: readonly (readonly [Method, string])[] = [
  ['PUT', '/weights'],
  ['POST', '/quota'],
  ['DELETE', '/quota/eng'],
  ['POST', '/maintenance/schedule'],
  ['POST', '/machine/down'],
  ['POST', '/machine/up'],
  ['POST', '/reserve'],
  ['POST', '/unreserve'],
  ['POST', '/create-volumes'],
  ['POST', '/destroy-volumes'],
  ['POST', '/teardown'],
  ['POST', '/api/v1'],
  ['POST', '/explain'],
  ['POST', '/roles'],
];

const large = 'x'.repeat(5_000_000);
const deep = '['.repeat(100_000) + ']'.repeat(100_000);

const BODIES: readonly (readonly [string, string | undefined, string | Buffer])[] = [
  ['plain text', 'text/plain', 'hello'],
  ['XML', 'application/xml', '<a/>'],
  ['multipart', 'multipart/form-data; boundary=x', '--x--'],
  ['no type', undefined, '{}'],
  ['broken JSON', JSON_TYPE, '{"windows":['],
  ['no UTF-8', JSON_TYPE, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['nothing', JSON_TYPE, ''],
  ['null', JSON_TYPE, 'null'],
  ['a number', JSON_TYPE, '1'],
  ['a text', JSON_TYPE, '"x"'],
  ['an empty object', JSON_TYPE, '{}'],
  ['lists where objects are meant', JSON_TYPE, '[[],1,null,"x"]'],
  ['a prototype', JSON_TYPE, '{"__proto__":{"slaveId":"x"}}'],
  ['a constructor', JSON_TYPE, '{"constructor":{"prototype":{"slaveId":"x"}}}'],
  [
    'what converts to nothing',
    JSON_TYPE,
    '{"slaveId":{"toString":1,"valueOf":1},"resources":{"toString":1},"role":{"toString":1},"type":{"toString":1}}',
  ],
  ['a deep body', JSON_TYPE, deep],
  [
    'a deep text in it',
    JSON_TYPE,
    JSON.stringify({ slaveId: 'a', resources: deep, volumes: deep }),
  ],
  ['a large text', JSON_TYPE, JSON.stringify({ role: large })],
  ['a large list', JSON_TYPE, `[${'1,'.repeat(2_000_000)}1]`],
  ['a form of something else', FORM, 'a=b'],
  [
    'a form with a field twice',
    FORM,
    'slaveId=a&slaveId=b&resources=[]&frameworkId=x&frameworkId=y',
  ],
  ['a form that is badly escaped', FORM, 'slaveId=%zz&resources=%ff&volumes=%&%00=1'],
  [
    'a form with a prototype',
    FORM,
    '__proto__=1&constructor=2&slaveId=x&resources=[{}]&volumes=[{}]',
  ],
  ['a form of nulls', FORM, 'slaveId=%00&resources=null&volumes=null&frameworkId=%00'],
  [
    'a form of many fields',
    FORM,
    Array.from({ length: 1_000 }, (_, index) => `f${index}=`).join('&'),
  ],
  ['a large form', FORM, `slaveId=${large}`],
  ['broken JSON called a form', FORM, '{"windows":['],
];

describe('bad bodies', () => {
  it.each(CHANGES)(
    'to %s %s are refused with a reason, and change nothing',
    async (method, path) => {
      const before = await kept();

      for (const [what, type, body] of BODIES) {
        const answer = await send(method, path, { ...(type === undefined ? {} : { type }), body });

        expect([400, 405, 413, 415], `${what}: ${answer.text.slice(0, 200)}`).toContain(
          answer.status,
        );
        expect(messageOf(answer.text), what).toMatch(/\w/);
        expect(answer.text.length, what).toBeLessThan(10_000);
      }

      expect(await kept()).toBe(before);
      expect(master.failures).toEqual([]);
    },
    LIMIT_MS,
  );

  it('are told by the names of the form they came in', async () => {
    const json = (method: Method, path: string, body: object) =>
      send(method, path, { type: JSON_TYPE, body: JSON.stringify(body) });
    const form = (path: string, body: string) => send('POST', path, { type: FORM, body });

    const messages = [
      await json('PUT', '/weights', [{ role: 'eng' }]),
      await json('PUT', '/weights', {}),
      await json('POST', '/quota', { role: 'eng', guarantee: [{}] }),
      await json('POST', '/machine/down', [{ ip: '999.1.1.1' }]),
      await json('POST', '/maintenance/schedule', { window: [] }),
      await json('POST', '/reserve', { resources: [] }),
      await form('/reserve', 'slaveId=a&resources=[{}]'),
      await form('/teardown', 'frameworkID=a'),
      await form('/teardown', 'frameworkId=a&frameworkId=b'),
      await form('/teardown', `frameworkId=${large}`),
    ].map(({ text }) => messageOf(text).replace('Failed to validate operator call: ', ''));

    expect(messages).toEqual([
      'body[0].weight is required',
      'body is an object, not a list',
      'guarantee[0].name is required; guarantee[0].type is required',
      'body[0].ip is "999.1.1.1", which is no IP address',
      'windows is required; an empty list takes the schedule away',
      'slaveId is required',
      'resources[0].name is required; resources[0].type is required',
      'frameworkId is required',
      'frameworkId is given more than once',
      'A form of 5000012 bytes; the limit is 1048576 bytes',
    ]);
  });
});

describe('calls of v1 that mean nothing', () => {
  const start = { nanoseconds: 1e18 };
  const scheduleOf = (machine: object, unavailability: object = { start }) => ({
    schedule: { windows: [{ machine_ids: [machine], unavailability }] },
  });
  const cpus = (value: unknown) => ({
    quota_configs: [{ role: 'eng', limits: { cpus: { value } } }],
  });
  const weightsOf = (...weights: readonly unknown[]) => ({
    weight_infos: weights.map((weight) => ({ role: 'ads', weight })),
  });

  it.each([
    ['UPDATE_MAINTENANCE_SCHEDULE', scheduleOf({ ip: '999.1.1.1' }), /ip is "999\.1\.1\.1"/],
    ['UPDATE_MAINTENANCE_SCHEDULE', scheduleOf({}), /neither a hostname nor an ip/],
    [
      'UPDATE_MAINTENANCE_SCHEDULE',
      scheduleOf({ hostname: 'h' }, { start: { nanoseconds: 0.5 } }),
      /start\.nanoseconds is 0\.5, not a whole number from 0 to 9000000000000000000/,
    ],
    [
      'UPDATE_MAINTENANCE_SCHEDULE',
      scheduleOf({ hostname: 'h' }, { start, duration: { nanoseconds: -1 } }),
      /duration\.nanoseconds is -1/,
    ],
    ['UPDATE_WEIGHTS', weightsOf(1e-320), /weight of role ads is 1e-320; it must be from 1e-9/],
    ['UPDATE_WEIGHTS', weightsOf('Infinity'), /weight is "Infinity", not a number/],
    ['UPDATE_WEIGHTS', weightsOf(0), /is 0; it must be/],
    ['UPDATE_WEIGHTS', weightsOf(2, 3), /weight of role ads is given twice/],
    ['UPDATE_QUOTA', cpus(1e-320), /limits\.cpus is 1e-320, below 0\.001/],
    ['UPDATE_QUOTA', cpus(-1), /limits\.cpus is -1, below 0/],
    ['UPDATE_QUOTA', cpus('NaN'), /is "NaN", not a number/],
    ['UPDATE_QUOTA', cpus(1e300), /is 1e\+300; at most/],
  ])('%s %j is refused: %s', async (type, content, message) => {
    const before = await kept();
    const body = JSON.stringify({ type, [type.toLowerCase()]: content });

    const answer = await send('POST', '/api/v1', { type: JSON_TYPE, body });

    expect(answer.status).toBe(400);
    expect(messageOf(answer.text)).toMatch(message);
    expect(await kept()).toBe(before);
  });
});

describe('odd queries', () => {
  it.each([
    '/explain?framework_id=a&framework_id=b',
    '/explain?role=%00',
    '/explain?jsonp=<script>',
    '/roles?jsonp=a&jsonp=b',
    '/quota/%ff',
    `/explain?role=${'x'.repeat(20_000)}`,
  ])('are refused: %.60s', async (path) => {
    const { status } = await send('GET', path);

    expect([400, 404, 405, 414, 431]).toContain(status);
  });

  it.each(['/explain?role[]=a', '/explain?framework_id=', '/roles?__proto__=x', '/quota?role=%ff'])(
    'are answered: %s',
    async (path) => {
      expect((await send('GET', path)).status).toBe(200);
    },
  );
});
