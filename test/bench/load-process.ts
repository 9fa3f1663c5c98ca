import { type ChildProcess, fork } from 'node:child_process';
import type { MasterLoadJob, MasterLoadReport } from './master-load.js';
import { processorMsOf } from './processor-time.js';

/** A process of load on a master. */
export class Load {
  private readonly child: ChildProcess = fork(new URL('./master-load.js', import.meta.url), {
    stdio: 'inherit',
    execArgv: ['--max-old-space-size=4096'],
  });

  send(job: MasterLoadJob): void {
    this.child.send(job);
  }

  next<Kind extends MasterLoadReport['kind']>(
    kind: Kind,
  ): Promise<Extract<MasterLoadReport, { readonly kind: Kind }>> {
    return new Promise((resolve, reject) => {
      this.child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
      this.child.on('message', (message: MasterLoadReport) => {
        // Narrowed by its tag.
        if (message.kind === kind) resolve(message as Extract<MasterLoadReport, { kind: Kind }>);
      });
    });
  }

  /** Processor time it has used, user and system. */
  processorMs(): number {
    return processorMsOf(this.child.pid);
  }

  end(): void {
    this.child.removeAllListeners();
    this.child.kill('SIGKILL');
  }
}
