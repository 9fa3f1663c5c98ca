import { describe, expect, it } from 'vitest';
import { MasterHarness } from './master.test-support.js';

describe('agents that came', () => {
  it('are told in one line a second, however many, the first few by name', () => {
    const master = new MasterHarness();
    for (let number = 0; number < 7; number += 1) master.addAgent(`A${number}`);
    const tick = { kind: 'tick', isWritable: true } as const;

    master.dispatch(tick);
    master.dispatch(tick);

    const told = master.notes.filter(
      ({ level, message }) => level === 'info' && message === 'agents came',
    );
    expect(told.map(({ fields }) => fields)).toEqual([
      {
        registered: 7,
        reregistered: 0,
        tasks: 0,
        agents: expect.stringMatching(/^\S+, \S+, \S+, \S+, \S+ and 2 more$/),
      },
    ]);
    expect(master.notes.filter(({ message }) => message === 'agent registered')).toHaveLength(7);
  });
});
