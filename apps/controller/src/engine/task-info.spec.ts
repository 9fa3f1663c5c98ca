import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  type AgentId,
  type App,
  type Instance,
  type InstanceId,
  resources,
  type TaskId,
} from '#core';
import { declareApps, readNewApp } from '#marathon-v2';
import { parseSchedulerCall } from '#mesos-v1';
import {
  emptyRoot,
  rules,
  unwrap,
} from '../../../../libs/marathon-v2/src/marathon-v2.test-support.js';
import { buildTaskInfo, taskPorts } from './task-info.js';

// What any master is sent for a declared app, and that a master reads it as it was meant.

const FIXTURES = fileURLToPath(new URL('../../../../test/fixtures/', import.meta.url));
const REQUEST = /\.request\.json$/;
const names = readdirSync(`${FIXTURES}marathon-v2`)
  .filter((file) => REQUEST.test(file))
  .map((file) => file.replace(REQUEST, ''));

function declared(name: string): App {
  const body: unknown = JSON.parse(
    readFileSync(`${FIXTURES}marathon-v2/${name}.request.json`, 'utf8'),
  );
  const context = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };
  const update = unwrap(readNewApp(body, { strict: true }));
  const { putApps } = unwrap(declareApps(context, [update], { mode: 'create', partial: false }));
  const [app] = putApps;
  if (app === undefined) throw new Error(`${name} declares no app`);
  return app;
}

it.each(names)(
  'launches %s as agreed, and a master reads the call as it was written',
  async (name) => {
    const app = declared(name);
    const hostPorts = [31_000, 31_001];
    const placement = { agentId: 'agent-1' as AgentId, hostname: 'host.example', attributes: {} };
    const instance: Instance = {
      id: `${app.id}.instance-1` as InstanceId,
      appId: app.id,
      appVersion: app.version,
      incarnation: 1,
      taskId: 'app.instance-1._app.1' as TaskId,
      goal: 'Running',
      condition: 'Provisioned',
      sinceEpochMs: 0,
      createdAtEpochMs: 0,
      hostPorts,
      ipAddresses: [],
      placement,
    };

    const info = buildTaskInfo({
      app,
      instance,
      placement,
      taken: [
        {
          role: '*',
          resources: resources({
            cpus: app.cpus,
            mem: app.mem,
            disk: app.disk,
            ports: [{ begin: 31_000, end: 31_001 }],
          }),
        },
      ],
      isRoleEnforced: false,
      ports: taskPorts(app, hostPorts, (index) => 40_000 + index),
    });
    const call = {
      type: 'ACCEPT',
      framework_id: { value: 'framework-1' },
      accept: {
        offer_ids: [{ value: 'offer-1' }],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [info] } }],
        filters: { refuse_seconds: 5 },
      },
    };

    const text = `${JSON.stringify(call, undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`${FIXTURES}mesos-v1/accept-${name}.json`);
    expect(parseSchedulerCall(JSON.parse(text))).toEqual({
      kind: 'parsed',
      value: JSON.parse(text),
    });
  },
);
