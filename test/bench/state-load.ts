import { get, Agent as HttpAgent } from 'node:http';
import { resources } from '#core';
import { createScheduler } from '#framework';
import { toWireResources, type WireOffer } from '#mesos-v1';
import { systemClock } from '#platform';
import { SimulatedAgents } from './simulated-agents.js';
import { StateReader } from './state-reader.js';

/** What a process of the load on a master's reads is asked for; it answers with `StateLoadReport`s. */
export type StateLoadJob =
  /** Agents that bring tasks when they come back, each of frameworks of its own. */
  | {
      readonly kind: 'agents';
      readonly masterUrl: string;
      readonly agents: number;
      readonly frameworksEach: number;
      readonly tasksPerFramework: number;
    }
  /** So many clients at a time, each so many reads one after the other. */
  | {
      readonly kind: 'read';
      readonly url: string;
      readonly clients: number;
      readonly reads: number;
    }
  /** Clients that read until the process ends, and tell what they have read when asked. */
  | { readonly kind: 'keep-reading'; readonly url: string; readonly clients: number }
  | { readonly kind: 'tell' }
  /** One task each so often, and /health meanwhile. */
  | {
      readonly kind: 'launch';
      readonly masterUrl: string;
      readonly tasks: number;
      readonly everyMs: number;
    };

export type StateLoadReport =
  | { readonly kind: 'subscribed' }
  | {
      readonly kind: 'read';
      readonly latenciesMs: readonly number[];
      readonly bytes: number;
    }
  | {
      readonly kind: 'launched';
      readonly latenciesMs: readonly number[];
      readonly healthMs: readonly number[];
    };

const kept: { latenciesMs: number[]; bytes: number } = { latenciesMs: [], bytes: 0 };

const pool = new HttpAgent({ keepAlive: true });

process.on('message', (job: StateLoadJob) => {
  switch (job.kind) {
    case 'agents':
      bringAgents(job);
      return;
    case 'read':
      void read(job);
      return;
    case 'keep-reading':
      for (let client = 0; client < job.clients; client += 1) void keepReading(job.url);
      return;
    case 'tell':
      report({ kind: 'read', ...kept });
      kept.latenciesMs = [];
      return;
    case 'launch':
      launch(job);
      return;
    default:
      job satisfies never;
  }
});

function report(message: StateLoadReport): void {
  process.send?.(message);
}

function bringAgents(job: Extract<StateLoadJob, { readonly kind: 'agents' }>): void {
  let subscribed = 0;
  for (let index = 0; index < job.agents; index += 1) {
    const frameworks = Array.from({ length: job.frameworksEach }, (_, number) => ({
      user: 'root',
      name: `framework-${index}-${number}`,
      id: { value: `bench-${index}-${number}` },
      failover_timeout: 36_000,
    }));
    new SimulatedAgents({
      masterUrl: job.masterUrl,
      count: 1,
      tasksEach: job.frameworksEach * job.tasksPerFramework,
      frameworks,
      onAllSubscribed: () => {
        subscribed += 1;
        if (subscribed % job.agents === 0) report({ kind: 'subscribed' });
      },
    }).start();
  }
}

async function read(job: Extract<StateLoadJob, { readonly kind: 'read' }>): Promise<void> {
  const latenciesMs: number[] = [];
  let bytes = 0;
  const client = async (): Promise<void> => {
    const reader = new StateReader(job.url);
    for (let count = 0; count < job.reads; count += 1) {
      const startedMs = performance.now();
      bytes = await reader.read();
      latenciesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: job.clients }, client));
  report({ kind: 'read', latenciesMs, bytes });
}

async function keepReading(url: string): Promise<void> {
  const reader = new StateReader(url);
  for (;;) {
    const startedMs = performance.now();
    kept.bytes = await reader.read();
    kept.latenciesMs.push(performance.now() - startedMs);
  }
}

/** Resolves when the whole answer is here. */
function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent: pool }, (response) => {
      response.resume().on('end', resolve).on('error', reject);
    }).on('error', reject);
  });
}

/** Offers are held, so that a launch waits for nothing but the master and the agent. */
function launch(job: Extract<StateLoadJob, { readonly kind: 'launch' }>): void {
  const offers: WireOffer[] = [];
  const launchedAtMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  const healthMs: number[] = [];
  let launched = 0;
  const scheduler = createScheduler({
    masters: [job.masterUrl],
    clock: systemClock,
    frameworkInfo: { user: 'root', name: 'launcher', failover_timeout: 0 },
    handlers: {
      onSubscribed: () => undefined,
      onOffers: async (given) => {
        offers.push(...given);
      },
      onRescind: (id) => {
        const index = offers.findIndex((offer) => offer.id.value === id);
        if (index >= 0) offers.splice(index, 1);
      },
      onUpdate: async (status) => {
        const sentMs = launchedAtMs.get(status.task_id.value);
        if (status.state !== 'TASK_RUNNING' || sentMs === undefined) return;
        latenciesMs.push(performance.now() - sentMs);
        if (latenciesMs.length < job.tasks) return;
        clearInterval(timer);
        report({ kind: 'launched', latenciesMs, healthMs });
      },
      onFailure: () => undefined,
      onError: () => undefined,
      onDisconnected: () => undefined,
    },
  });
  scheduler.start();
  const health = `${job.masterUrl}/health`;
  const timer = setInterval(() => {
    const startedMs = performance.now();
    void ask(health).then(() => healthMs.push(performance.now() - startedMs));
    const offer = launched < job.tasks ? offers.shift() : undefined;
    if (offer === undefined) return;
    launched += 1;
    const id = `launched-${process.pid}-${launched}`;
    launchedAtMs.set(id, performance.now());
    void scheduler.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [taskOn(id, offer)] } }],
        filters: { refuse_seconds: 0 },
      },
    });
  }, job.everyMs);
}

const taskOn = (id: string, offer: WireOffer) => ({
  name: 'task',
  task_id: { value: id },
  agent_id: offer.agent_id,
  command: { value: 'sleep 1000' },
  resources: toWireResources(resources({ cpus: 0.01, mem: 32 })),
});
