import type { App } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';

/** What makes an app resident: a volume of its own on an agent, and a role in which it is reserved. */
export const RESIDENT_FIELDS = {
  role: 'db',
  container: {
    type: 'MESOS',
    volumes: [{ containerPath: 'data', mode: 'RW', persistent: { size: 64, type: 'root' } }],
  },
  residency: { relaunchEscalationTimeoutSeconds: 3_600, taskLostBehavior: 'WAIT_FOREVER' },
  upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
  unreachableStrategy: 'disabled',
} satisfies Partial<App>;

/** `/db` with a volume. */
export const aResident = (fields: Partial<App> = {}): App =>
  anApp('/db', { ...RESIDENT_FIELDS, ...fields });
