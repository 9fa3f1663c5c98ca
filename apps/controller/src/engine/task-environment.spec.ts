import { describe, expect, it } from 'vitest';
import type { App } from '#core';
import { taskEnvironment } from './task-environment.js';

/** As much of an app as its environment is made from. */
const app = (more: Partial<App> = {}): App =>
  ({
    ...{ id: '/shop/web', version: '2026-01-02T03:04:05.678Z' },
    ...{ cpus: 0.5, mem: 64, disk: 0, gpus: 0, labels: {}, env: {} },
    ...more,
  }) as App;

const environment = (
  of: App,
  about: Partial<Parameters<typeof taskEnvironment>[0]> = {},
): Readonly<Record<string, string>> =>
  taskEnvironment({
    ...{ app: of, taskId: 'shop_web.1', host: 'host-1', ports: [], isRoleEnforced: false },
    ...about,
  });

const CONTEXT = {
  MESOS_TASK_ID: 'shop_web.1',
  MARATHON_APP_ID: '/shop/web',
  MARATHON_APP_VERSION: '2026-01-02T03:04:05.678Z',
  MARATHON_APP_RESOURCE_CPUS: '0.5',
  MARATHON_APP_RESOURCE_MEM: '64.0',
  MARATHON_APP_RESOURCE_DISK: '0.0',
  MARATHON_APP_RESOURCE_GPUS: '0',
  MARATHON_APP_ENFORCE_GROUP_ROLE: 'FALSE',
  MARATHON_APP_LABELS: '',
  HOST: 'host-1',
};

describe('the environment of a task', () => {
  it('says what it is and where, without ports that it has not', () => {
    expect(environment(app())).toEqual(CONTEXT);
  });

  it('has its ports by position, by what was asked for, and by name', () => {
    const ports = [
      { port: 31_000, requested: 80, name: 'http-api' },
      { port: 31_001, requested: 0 },
    ];

    expect(environment(app(), { ports })).toEqual({
      ...CONTEXT,
      ...{ PORT: '31000', PORTS: '31000,31001', PORT0: '31000', PORT1: '31001' },
      ...{
        PORT_80: '31000',
        'PORT_HTTP-API': '31000',
        PORT_HTTP_API: '31000',
        PORT_31001: '31001',
      },
    });
  });

  it('has the image, the role and each label that is short enough', () => {
    const labels = {
      ...{ 'team.name': 'shop', _edge_: 'x', [`n${'n'.repeat(492)}`]: 'long name' },
      ...{ long: 'v'.repeat(512), fits: 'v'.repeat(511), '…': 'one underscore' },
    };
    const container = { docker: { image: 'nginx:1' } } as App['container'];

    const seen = environment(app({ labels, ...(container ? { container } : {}) }), {
      isRoleEnforced: true,
    });

    expect(seen).toEqual({
      ...CONTEXT,
      MARATHON_APP_DOCKER_IMAGE: 'nginx:1',
      MARATHON_APP_ENFORCE_GROUP_ROLE: 'TRUE',
      MARATHON_APP_LABELS: 'TEAM_NAME _EDGE_ FITS _',
      MARATHON_APP_LABEL_TEAM_NAME: 'shop',
      MARATHON_APP_LABEL__EDGE_: 'x',
      MARATHON_APP_LABEL_FITS: 'v'.repeat(511),
      MARATHON_APP_LABEL__: 'one underscore',
    });
  });

  it('is overridden by the app in everything, and has no value for a secret', () => {
    const ports = [{ port: 31_000, requested: 0 }];
    const env = { PORT0: 'mine', HOST: 'mine too', KEY: { secret: 'key' } };

    expect(environment(app({ env }), { ports })).toEqual({
      ...CONTEXT,
      ...{ PORT: '31000', PORTS: '31000', PORT_31000: '31000' },
      ...{ PORT0: 'mine', HOST: 'mine too' },
    });
  });
});
