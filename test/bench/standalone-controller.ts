import { freePort } from '../e2e/support/docker.js';
import { MarathonClient } from '../e2e/support/marathon-client.js';
import { DaemonProcess } from './daemon-process.js';
import { Load } from './load-process.js';
import { clusterPssKib } from './memory.js';
import { StandaloneMaster } from './standalone-master.js';

/** The real controller and master on a database of their own, with simulated agents. */
export class StandaloneController {
  private readonly daemon = new DaemonProcess('controller');
  readonly api: MarathonClient;

  private constructor(
    private readonly master: StandaloneMaster,
    private readonly agents: Load,
    private readonly port: number,
  ) {
    this.api = new MarathonClient(this.url);
  }

  /** Starts all of it; the agents are members by then. */
  static async start(agentCount: number): Promise<StandaloneController> {
    const master = await StandaloneMaster.create();
    const agents = new Load();
    const controller = new StandaloneController(master, agents, await freePort());
    try {
      await master.start();
      const subscribed = agents.next('subscribed');
      agents.send({
        ...{ kind: 'agents', masterUrl: master.url, count: agentCount },
        ...{ tasksEach: 0, frameworks: [] },
      });
      await subscribed;
      await controller.restart();
    } catch (error) {
      await controller.destroy();
      throw error;
    }
    return controller;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it leads and answers. */
  async restart(): Promise<void> {
    await this.daemon.start(
      {
        PACER_PORT: String(this.port),
        DATABASE_URL: this.master.databaseUrl,
        PACER_MASTER_URLS: this.master.url,
        PACER_LOG_LEVEL: 'warn',
      },
      {
        what: 'the controller leads',
        isReady: async () => (await this.api.get('/v2/leader')).status === 200,
      },
    );
  }

  async kill(): Promise<void> {
    await this.daemon.kill();
  }

  /** Of the controller alone. */
  pssKib(): number {
    const rootPids = [this.daemon.pid ?? 0];
    return clusterPssKib({ rootPids, dataDirectory: '/nowhere', taskMark: ' ' });
  }

  async destroy(): Promise<void> {
    await this.kill();
    this.agents.end();
    await this.master.destroy();
  }
}
