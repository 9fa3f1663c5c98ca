import type { HealthCheck, ReadinessCheck } from '#core';
import { definedFields, type ObjectReader } from './object-reader.js';

const PROTOCOLS = [
  'HTTP',
  'HTTPS',
  'TCP',
  'COMMAND',
  'MESOS_HTTP',
  'MESOS_HTTPS',
  'MESOS_TCP',
] as const;

/** One health check with its defaults; which port it means is settled once the app's ports are known. */
export function readHealthCheck(reader: ObjectReader): HealthCheck {
  return {
    protocol: reader.oneOf('protocol', PROTOCOLS) ?? 'HTTP',
    gracePeriodSeconds: reader.integer('gracePeriodSeconds') ?? 300,
    intervalSeconds: reader.integer('intervalSeconds') ?? 60,
    timeoutSeconds: reader.integer('timeoutSeconds') ?? 20,
    maxConsecutiveFailures: reader.integer('maxConsecutiveFailures') ?? 3,
    delaySeconds: reader.integer('delaySeconds') ?? 15,
    ignoreHttp1xx: reader.boolean('ignoreHttp1xx') ?? false,
    ipProtocol: reader.oneOf('ipProtocol', ['IPv4', 'IPv6'] as const) ?? 'IPv4',
    ...definedFields({
      path: reader.string('path'),
      portIndex: reader.integer('portIndex'),
      port: reader.integer('port'),
      command: reader.object('command', (command) => {
        const value = command.requiredString('value', { minLength: 1 });
        return value === undefined ? undefined : { value };
      }),
    }),
  };
}

/** The generic, informational check: http, tcp or exec. Defaults: interval 60 s, timeout 20 s, delay 15 s. */
export const readCheck = (reader: ObjectReader): Readonly<Record<string, unknown>> =>
  definedFields({
    http: reader.object('http', (http) =>
      definedFields({
        portIndex: http.integer('portIndex'),
        port: http.integer('port'),
        path: http.string('path'),
        scheme: http.oneOf('scheme', ['HTTP', 'HTTPS', 'http', 'https'] as const),
      }),
    ),
    tcp: reader.object('tcp', (tcp) =>
      definedFields({ portIndex: tcp.integer('portIndex'), port: tcp.integer('port') }),
    ),
    exec: reader.opaque('exec'),
    intervalSeconds: reader.integer('intervalSeconds') ?? 60,
    timeoutSeconds: reader.integer('timeoutSeconds') ?? 20,
    delaySeconds: reader.integer('delaySeconds') ?? 15,
  });

export const readReadinessCheck = (reader: ObjectReader): ReadinessCheck => ({
  name: reader.string('name', { minLength: 1 }) ?? 'readinessCheck',
  protocol: reader.oneOf('protocol', ['HTTP', 'HTTPS'] as const) ?? 'HTTP',
  path: reader.string('path') ?? '/',
  portName: reader.string('portName') ?? 'http-api',
  intervalSeconds: reader.integer('intervalSeconds') ?? 30,
  timeoutSeconds: reader.integer('timeoutSeconds') ?? 10,
  httpStatusCodesForReady: reader.integers('httpStatusCodesForReady') ?? [200],
  preserveLastResponse: reader.boolean('preserveLastResponse') ?? false,
});
