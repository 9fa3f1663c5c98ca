import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentCount } from './agent-count.js';

let directory: string;
let agents: AgentCount;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pacer-agents-'));
  agents = new AgentCount(join(directory, 'agents'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('is kept until no task is left', () => {
  const before = agents.read();
  agents.write(3);
  const during = agents.read();
  agents.forget();

  expect([before, during, agents.read()]).toEqual([undefined, 3, undefined]);
});

it('means nothing after the machine was started again', () => {
  writeFileSync(join(directory, 'agents'), JSON.stringify({ count: 3, bootId: 'another' }));

  expect(agents.read()).toBeUndefined();
});
