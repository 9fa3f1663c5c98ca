import type { FrameworkInfo } from '#mesos-v1';
import { SimulatedAgents } from './simulated-agents.js';
import { startDecliners } from './simulated-decliners.js';
import { startLauncher } from './simulated-launcher.js';

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
      startLauncher({
        ...job,
        onDone: (result) => report({ kind: 'launched', ...result }),
        onFailure: (reason) => {
          process.stderr.write(`framework: ${reason}\n`);
          process.exit(1);
        },
      });
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
