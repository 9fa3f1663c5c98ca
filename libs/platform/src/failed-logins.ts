import { Counter } from 'prom-client';
import { metricsRegistry } from './metrics.js';

/** By what somebody tried to come in. */
export type LoginScheme = 'basic' | 'bearer' | 'certificate' | 'other';

const NAME = 'pacer_failed_logins_total';

/** Counts a wrong password, token or certificate: many of them are somebody who guesses. Asking without any is none. */
export function countFailedLogin(scheme: LoginScheme): void {
  counter().inc({ scheme });
}

/** Shows the counters at 0 from the start. */
export function startLoginMetrics(): void {
  for (const scheme of ['basic', 'bearer', 'certificate', 'other']) counter().inc({ scheme }, 0);
}

export function schemeOfHeader(authorization: string): LoginScheme {
  if (/^basic /i.test(authorization)) return 'basic';
  return /^bearer /i.test(authorization) ? 'bearer' : 'other';
}

/** All daemons of a process share one registry. */
const counter = (): Counter<'scheme'> =>
  (metricsRegistry.getSingleMetric(NAME) as Counter<'scheme'> | undefined) ??
  new Counter({
    name: NAME,
    help: 'Requests refused for a wrong password, token or client certificate',
    labelNames: ['scheme'],
    registers: [metricsRegistry],
  });
