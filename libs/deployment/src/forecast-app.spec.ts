import { expect, it } from 'vitest';
import { instanceId } from '#core';
import { anApp } from '../../../test/support/store-fixtures.js';
import { forecastApp } from './forecast-app.js';
import type { InstanceFacts } from './instance-facts.js';

const app = anApp('/web', { instances: 2 });
const CURRENT = app.versionInfo.lastConfigChangeAt;

const facts = (id: string, fields: Partial<InstanceFacts> = {}): InstanceFacts => ({
  id: instanceId(id),
  configVersion: CURRENT,
  condition: 'Running',
  isKilling: false,
  health: 'healthy',
  readiness: 'ready',
  isRouted: false,
  stagedAtEpochMs: Number(id.slice(1)),
  ...fields,
});
const three = [facts('i1'), facts('i2'), facts('i3')];
const of = (about: Partial<Parameters<typeof forecastApp>[0]>) =>
  forecastApp({ target: app, isActedOn: true, instances: three, ...about });

it('gives up the surplus by kill selection, the sentenced before all', () => {
  const oldest = anApp('/web', { instances: 2, killSelection: 'OLDEST_FIRST' });

  expect(of({})).toEqual({ kill: ['i3'], keep: ['i1', 'i2'], launch: 0 });
  expect(of({ target: oldest }).kill).toEqual(['i1']);
  expect(of({ sentenced: new Set([instanceId('i2')]) }).kill).toEqual(['i2']);
});

it('replaces what is outdated and keeps the rest', () => {
  const mixture = [facts('i1', { configVersion: 'old' }), facts('i2')];

  expect(of({ instances: mixture })).toEqual({ kill: ['i1'], keep: ['i2'], launch: 1 });
});

it('ends everything of an app that is removed, and nothing without an action', () => {
  expect(of({ target: undefined })).toEqual({ kill: ['i1', 'i2', 'i3'], keep: [], launch: 0 });
  expect(of({ isActedOn: false })).toEqual({ kill: [], keep: ['i1', 'i2', 'i3'], launch: 0 });
});

it('does not count what is on its way out', () => {
  const leaving = [facts('i1', { isKilling: true }), facts('i2')];

  expect(of({ instances: leaving })).toEqual({ kill: [], keep: ['i2'], launch: 1 });
});
