import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { ControllerStore } from '#core';
import type { ChangeRules } from '#marathon-v2';
import { createDaemon, createLogger, type Daemon } from '#platform';
import { FakeControllerEngine } from '../../../test/support/fake-controller-engine.js';
import { controllerAccess } from './access.js';
import { controllerModule } from './controller.module.js';
import { configureHttp } from './http/configure-http.js';
import { ControllerRuntime } from './runtime/controller-runtime.js';

/** The API of a controller around a fake engine, asked without sockets. */
export interface ApiUnderTest {
  readonly app: NestFastifyApplication;
  readonly engine: FakeControllerEngine;
  readonly runtime: ControllerRuntime;
  readonly daemon: Daemon;
  ask(method: string, url: string, body?: unknown): Promise<LightMyRequestResponse>;
  inject(options: InjectOptions): Promise<LightMyRequestResponse>;
}

export const NOW_EPOCH_MS = 1_767_225_700_000;

export function createRuntime(rules: Partial<ChangeRules> = {}): ControllerRuntime {
  const settings = {
    bootId: 'boot',
    version: '0.1.0',
    rules: {
      defaultRole: '*',
      features: new Set(['gpu_resources']),
      servicePorts: { min: 10_000, max: 20_000 },
      ...rules,
    },
    masterUrls: ['http://127.0.0.1:5050'],
    taskUser: 'root',
  };
  const runtime = new ControllerRuntime(settings, () => NOW_EPOCH_MS);
  runtime.announce({ host: '127.0.0.1', port: 8080 });
  return runtime;
}

/** Starts the API on a free port. Stores are given where versions, history or replay are asked for. */
export async function startApi(
  options: {
    readonly store?: Partial<ControllerStore>;
    readonly isLoaded?: boolean;
    readonly leaderUrl?: () => string | undefined;
    readonly uiFolder?: string;
    readonly loadWaitMs?: number;
    readonly rules?: Partial<ChangeRules>;
    readonly maxRequests?: number;
  } = {},
): Promise<ApiUnderTest> {
  const engine = new FakeControllerEngine();
  const runtime = createRuntime(options.rules);
  if (options.isLoaded !== false) {
    const store = (options.store ?? {}) as ControllerStore;
    runtime.open({ engine, store });
  }
  const daemon = await createDaemon({
    name: 'controller',
    module: controllerModule(runtime),
    host: '127.0.0.1',
    port: 0,
    access: controllerAccess,
    acceptsUpgrades: true,
    logger: createLogger('controller', 'silent'),
    configure: (app) =>
      configureHttp(app, {
        runtime,
        uiFolder: options.uiFolder ?? '/nonexistent',
        leaderUrl: options.leaderUrl ?? (() => undefined),
        loadWaitMs: options.loadWaitMs ?? 50,
        ...(options.maxRequests === undefined ? {} : { maxRequests: options.maxRequests }),
      }),
  });
  const inject = (request: InjectOptions): Promise<LightMyRequestResponse> =>
    daemon.app.inject(request) as Promise<LightMyRequestResponse>;
  return {
    app: daemon.app,
    engine,
    runtime,
    daemon,
    inject,
    ask: (method, url, body) =>
      inject({
        method: method as 'GET',
        url,
        headers: { host: 'localhost', ...(body === undefined ? {} : JSON_BODY) },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      }),
  };
}

const JSON_BODY = { 'content-type': 'application/json' };
