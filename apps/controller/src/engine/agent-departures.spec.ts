import { describe, expect, it } from 'vitest';
import { agentId, appId } from '#core';
import { AgentDepartures } from './agent-departures.js';

const AGENT = agentId('agent-1');
const WEB = appId('/web');
const at = (seconds: number) => ({ epochMs: 1_000_000 + seconds * 1000, monoMs: seconds * 1000 });
const inSeconds = (seconds: number, forSeconds?: number) => ({
  start: { nanoseconds: at(seconds).epochMs * 1_000_000 },
  ...(forSeconds === undefined ? {} : { duration: { nanoseconds: forSeconds * 1e9 } }),
});

function departing(seconds: number, forSeconds?: number): AgentDepartures {
  const departures = new AgentDepartures();
  departures.note(AGENT, inSeconds(seconds, forSeconds), { now: at(0), inverseOfferId: 'i-1' });
  departures.plan(AGENT, [
    { appId: WEB, leadMs: 60_000 },
    { appId: WEB, leadMs: 20_000 },
    { appId: appId('/other'), leadMs: 20_000 },
  ]);
  return departures;
}

describe('what runs on an agent that departs', () => {
  it('is looked at when its time comes, once, however often somebody asks', () => {
    const departures = departing(80);
    const found: (readonly [number, readonly string[]])[] = [];

    for (let half = 0; half <= 160; half += 1) {
      const due = departures.dueApps(at(half / 2));
      if (due.size > 0) found.push([half / 2, [...due].sort()]);
    }

    expect(found).toEqual([
      [20, ['/web']],
      [60, ['/other', '/web']],
    ]);
  });

  it('is looked at once more when the agent is back, and when nobody speaks of it any more', () => {
    const back = departing(10, 60);
    back.dueApps(at(10));
    const silent = departing(1_000);

    expect([...back.dueApps(at(69))]).toEqual([]);
    expect([...back.dueApps(at(70))].sort()).toEqual(['/other', '/web']);
    expect([...silent.dueApps(at(90))]).toEqual([]);
    expect([...silent.dueApps(at(91))].sort()).toEqual(['/other', '/web']);
    expect([...silent.dueApps(at(92))]).toEqual([]);
  });

  it('is not news when an offer says it again, and is when it says something else', () => {
    const departures = departing(80);

    expect(departures.note(AGENT, inSeconds(80), { now: at(5) })).toBe(false);
    expect(departures.note(AGENT, inSeconds(90), { now: at(5) })).toBe(true);
    expect(departures.note(AGENT, inSeconds(90, 60), { now: at(6) })).toBe(true);
  });
});

describe('a question that is taken back', () => {
  it('counts no more, and its apps are looked at', () => {
    const departures = departing(80);

    expect([...departures.rescind('i-1')].sort()).toEqual(['/other', '/web']);
    expect(departures.leftMs(AGENT, at(1))).toBeUndefined();
    expect([...departures.rescind('i-1')]).toEqual([]);
  });

  it('changes nothing when another has taken its place', () => {
    const departures = departing(80);
    departures.note(AGENT, inSeconds(40), { now: at(1), inverseOfferId: 'i-2' });

    expect([...departures.rescind('i-1')]).toEqual([]);
    expect(departures.leftMs(AGENT, at(1))).toBe(39_000);
  });
});
