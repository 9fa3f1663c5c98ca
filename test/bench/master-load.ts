import { resources } from '#core';
import { createScheduler } from '#framework';
import { type FrameworkInfo, toWireResources, type WireOffer } from '#mesos-v1';
import { SimulatedAgents } from './simulated-agents.js';
import { startDecliners } from './simulated-decliners.js';

/** What a process of the load on a master is asked for; it answers with `LoadReport`s. */
export type MasterLoadJob =
  | {
      readonly kind: 'agents';
      readonly masterUrl: string;
      readonly count: number;
      readonly tasksEach: number;
      readonly frameworks: readonly FrameworkInfo[];
    }
  /** Connects the agents; `hold` before a master is killed, so that the return is timed from one moment. */
  | { readonly kind: 'connect' }
  | { readonly kind: 'hold' }
  | {
      readonly kind: 'launch';
      readonly masterUrl: string;
      readonly tasks: number;
      readonly perOffer: number;
    }
  | {
      readonly kind: 'decliners';
      readonly masterUrl: string;
      readonly count: number;
      readonly refuseSeconds: number;
    };

export type MasterLoadReport =
  | { readonly kind: 'subscribed'; readonly atEpochMs: number }
  | {
      readonly kind: 'launched';
      readonly elapsedMs: number;
      readonly latenciesMs: readonly number[];
    };

let agents: SimulatedAgents | undefined;

process.on('message', (job: MasterLoadJob) => {
  switch (job.kind) {
    case 'agents':
      agents = new SimulatedAgents({
        ...job,
        onAllSubscribed: () => report({ kind: 'subscribed', atEpochMs: Date.now() }),
      });
      agents.start();
      return;
    case 'connect':
      agents?.start();
      return;
    case 'hold':
      agents?.hold();
      return;
    case 'launch':
      launch(job);
      return;
    case 'decliners':
      startDecliners({
        ...job,
        onAllSubscribed: () => report({ kind: 'subscribed', atEpochMs: Date.now() }),
      });
      return;
    default:
      job satisfies never;
  }
});

function report(message: MasterLoadReport): void {
  process.send?.(message);
}

const complain = (reason: string): void => {
  process.stderr.write(`framework: ${reason}\n`);
};

/** Launches as fast as offers come; done when every task is known to run and acknowledged. */
function launch(job: Extract<MasterLoadJob, { readonly kind: 'launch' }>): void {
  const startedMs = performance.now();
  const launchedAtMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  let launched = 0;
  const tasksFor = (offer: WireOffer) =>
    Array.from({ length: Math.min(job.perOffer, job.tasks - launched) }, () => {
      const id = `task-${launched}`;
      launched += 1;
      launchedAtMs.set(id, performance.now());
      return {
        name: 'task',
        task_id: { value: id },
        agent_id: offer.agent_id,
        command: { value: 'sleep 1000' },
        resources: toWireResources(resources({ cpus: 0.01, mem: 32 })),
      };
    });
  const scheduler = createScheduler({
    masters: [job.masterUrl],
    clock: {
      now: () => ({ epochMs: Date.now(), monoMs: performance.now() }),
      schedule: (delayMs, task) => {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
    },
    frameworkInfo: { user: 'root', name: 'bench', failover_timeout: 3600 },
    handlers: {
      onSubscribed: () => undefined,
      onOffers: async (offers) => {
        const calls = offers.map((offer) => {
          const task_infos = tasksFor(offer);
          if (task_infos.length === 0) {
            return scheduler.call({
              type: 'DECLINE',
              decline: { offer_ids: [offer.id], filters: { refuse_seconds: 3600 } },
            });
          }
          return scheduler.call({
            type: 'ACCEPT',
            accept: {
              offer_ids: [offer.id],
              operations: [{ type: 'LAUNCH', launch: { task_infos } }],
              filters: { refuse_seconds: 0 },
            },
          });
        });
        await Promise.all(calls);
      },
      onRescind: () => undefined,
      onUpdate: async (status) => {
        const sentMs = launchedAtMs.get(status.task_id.value);
        if (status.state !== 'TASK_RUNNING' || sentMs === undefined) return;
        launchedAtMs.delete(status.task_id.value);
        latenciesMs.push(performance.now() - sentMs);
        if (latenciesMs.length < job.tasks) return;
        report({ kind: 'launched', elapsedMs: performance.now() - startedMs, latenciesMs });
      },
      onFailure: () => undefined,
      onError: complain,
      onDisconnected: complain,
    },
  });
  scheduler.start();
}
