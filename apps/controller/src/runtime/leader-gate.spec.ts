import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

describe('a controller that does not lead', () => {
  let leader: ApiUnderTest;
  let standby: ApiUnderTest;
  let leaderUrl: string | undefined;

  beforeAll(async () => {
    leader = await startApi();
    standby = await startApi({ isLoaded: false, leaderUrl: () => leaderUrl });
  });
  afterAll(async () => {
    await standby.daemon.close();
    await leader.daemon.close();
  });

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${standby.daemon.url}${path}`, init);

  it('lives, but answers 503 while nobody is known to lead', async () => {
    leaderUrl = undefined;

    const [ping, apps, who] = await Promise.all([ask('/ping'), ask('/v2/apps'), ask('/v2/leader')]);

    expect(await ping.text()).toBe('pong');
    expect([apps.status, apps.headers.get('retry-after')]).toEqual([503, '1']);
    expect(apps.headers.get('x-marathon-leader')).toBeNull();
    expect([who.status, await who.json()]).toEqual([404, { message: 'There is no leader' }]);
  });

  it('waits for itself when the lease still names it from before a crash', async () => {
    leaderUrl = `http://${standby.runtime.authority}`;

    const reply = await ask('/v2/apps');

    expect(reply.status).toBe(503);
    expect(await reply.text()).toContain('it is still loading its state; try again');
  });

  it('passes requests on to the leader, from its own pages too', async () => {
    leaderUrl = leader.daemon.url;

    const created = await ask('/v2/apps', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: standby.daemon.url },
      body: JSON.stringify({ id: '/web', cmd: 'x' }),
    });
    const refused = await ask('/v2/apps', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
      body: '{}',
    });

    expect(created.status).toBe(201);
    expect(created.headers.get('x-marathon-leader')).toBe('http://127.0.0.1:8080');
    expect(leader.engine.root.apps.has(appId('/web'))).toBe(true);
    expect(refused.status).toBe(403);
  });

  it('2878: passes the event stream on as it flows', async () => {
    leaderUrl = leader.daemon.url;
    const aborter = new AbortController();

    const stream = await ask('/v2/events', {
      headers: { accept: 'text/event-stream' },
      signal: aborter.signal,
    });
    const first = await stream.body?.getReader().read();

    expect(new TextDecoder().decode(first?.value)).toContain('event_stream_attached');
    aborter.abort();
  });

  it('answers 503 when the leader cannot be reached', async () => {
    leaderUrl = 'http://127.0.0.1:9';

    const reply = await ask('/v2/apps');

    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('does not pass on what another standby passed on', async () => {
    leaderUrl = standby.daemon.url;

    expect((await ask('/v2/apps')).status).toBe(503);
  });

  it('answers a waiting request as soon as it leads itself', async () => {
    leaderUrl = undefined;
    const late = await startApi({ isLoaded: false, loadWaitMs: 10_000 });
    const waiting = fetch(`${late.daemon.url}/v2/apps`);

    late.runtime.open({ engine: late.engine, store: {} as never });

    expect((await waiting).status).toBe(200);
    await late.daemon.close();
  });
});
