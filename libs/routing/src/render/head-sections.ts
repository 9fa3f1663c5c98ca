import type { SectionSpec } from 'haproxy-config-parser';
import type { EdgeSettings, Words } from './edge-settings.js';

/** The name of the defaults of all sections of the edge: an operator's own are not touched. */
export const EDGE_DEFAULTS = 'edge';

/** A new master takes the listeners over from the worker of one that is deaf. */
const PASS_LISTENERS: Words = ['expose-fd', 'listeners'];

/** A worker that has seen so many HAProxy ends, whatever it is doing. There are 30 in a minute, after which it has to be gone. */
const MAX_RELOADS = '60';

/** What the edge needs of the whole process. */
export const globalLines = (settings: EdgeSettings, description: string): readonly Words[] => [
  ['description', description],
  ['stats', 'socket', settings.statsSocket, 'mode', '600', 'level', 'admin', ...PASS_LISTENERS],
  ['hard-stop-after', `${settings.hardStopSeconds}s`],
  ['mworker-max-reloads', MAX_RELOADS],
  ['spread-checks', '5'],
  ['max-spread-checks', '15s'],
  ...(settings.baseConfig === undefined
    ? [
        ['ssl-default-bind-options', 'ssl-min-ver', 'TLSv1.2', 'no-tls-tickets'],
        ['tune.ssl.default-dh-param', '2048'],
      ]
    : []),
];

/**
 * Short idle keep-alive and idle-close-on-response lose no request on a reload; a connection that fails before a
 * request was taken is tried on another server (redispatch), and an empty answer too where repeating is harmless.
 */
export const defaultsSection: SectionSpec = {
  kind: 'defaults',
  name: EDGE_DEFAULTS,
  lines: [
    ['mode', 'http'],
    ['timeout', 'connect', '3s'],
    ['timeout', 'client', '30s'],
    ['timeout', 'server', '30s'],
    ['timeout', 'tunnel', '1h'],
    ['timeout', 'http-request', '15s'],
    ['timeout', 'http-keep-alive', '10s'],
    ['timeout', 'queue', '30s'],
    ['option', 'dontlognull'],
    ['option', 'idle-close-on-response'],
    ['option', 'redispatch', '1'],
    ['retries', '3'],
    ['retry-on', 'conn-failure', 'empty-response'],
  ],
};
