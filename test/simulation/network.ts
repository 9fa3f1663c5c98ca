import type { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

/** A client gives a call up after this. */
const CALL_TIMEOUT_MS = 10_000;
/** An agent that loses an answer to a ping is heard at the next one. */
const LOST_CALL_MS = 3_000;

/** A call that arrives twice does so within this. */
const REPEATED_WITHIN_MS = 1_500;

export interface Answer {
  readonly status: number;
  readonly message?: string;
}

/** The way between two hosts. While it is down nothing passes; TCP holds what was sent, up to a point. */
export class Route {
  private waiting: (() => void)[] = [];
  isUp = true;

  constructor(
    readonly name: string,
    private readonly world: World,
  ) {}

  /** The client's end. */
  get host(): string {
    return this.name.split('~')[0] ?? '';
  }

  whenUp(task: () => void): void {
    if (this.isUp) task();
    else this.waiting.push(task);
  }

  cut(): void {
    this.isUp = false;
    this.world.troubles.begin(this.host, this.name);
  }

  heal(): void {
    this.isUp = true;
    this.world.troubles.end(this.host, this.name);
    for (const task of this.waiting.splice(0)) this.whenUp(task);
  }
}

/** All routes, and the calls over them. Streams are in record-stream.ts. */
export class Network {
  private readonly routes = new Map<string, Route>();
  readonly streams = new Set<{ readonly route: Route; break(): void }>();

  constructor(readonly world: World) {}

  route(from: string, to: string): Route {
    const name = `${from}~${to}`;
    const known = this.routes.get(name);
    if (known !== undefined) return known;
    const made = new Route(name, this.world);
    this.routes.set(name, made);
    return made;
  }

  routesOf(host: string): readonly Route[] {
    return [...this.routes.values()].filter(({ name }) => name.split('~').includes(host));
  }

  allRoutes(): readonly Route[] {
    return [...this.routes.values()];
  }

  delayMs(): number {
    const { network } = this.world.random;
    if (this.world.isFaulty && network.chance(0.02)) return network.between(50, 1_500);
    return network.between(0.05, 3);
  }

  /**
   * A POST. Rejects when the connection breaks, which may be before or after the server did what was asked, and at a
   * timeout, after which the request may still arrive.
   */
  post(call: {
    readonly client: SimulatedProcess;
    readonly route: Route;
    readonly server: () => SimulatedProcess | undefined;
    readonly handle: () => Promise<Answer>;
    /** Something on the way may send it twice; both arrive, in any order with other calls. */
    readonly isRepeatable?: boolean;
  }): Promise<Answer> {
    const { client, route } = call;
    return new Promise((resolve, reject) => {
      const fate = this.drawFate();
      if (fate !== 'arrives') this.world.troubles.add(route.host, LOST_CALL_MS);
      const cancel = this.world.after(CALL_TIMEOUT_MS, () => {
        client.enter(() => reject(new Error('timeout')));
      });
      const finish = (end: () => void) =>
        this.world.after(this.delayMs(), () =>
          route.whenUp(() => {
            cancel();
            client.enter(end);
          }),
        );
      const fail = (why: string) => finish(() => reject(new Error(why)));
      const arrive = () => {
        const server = call.server();
        if (server === undefined || !server.isAlive) return void fail('connection refused');
        const unsubscribe = server.onEnd(() => fail('connection reset'));
        server.enter(() => {
          void call.handle().then((answer) => {
            if (!server.isAlive) return;
            unsubscribe();
            if (fate === 'answer-lost') fail('connection reset before the answer');
            else finish(() => resolve(answer));
          });
        });
      };
      if (fate === 'lost') {
        fail('connection reset before the request arrived');
        return;
      }
      this.world.after(this.delayMs(), () => route.whenUp(arrive));
      if (call.isRepeatable === true && this.isRepeated()) this.repeat(call);
    });
  }

  private repeat(call: Parameters<Network['post']>[0]): void {
    this.world.after(this.world.random.network.between(0.05, REPEATED_WITHIN_MS), () =>
      call.route.whenUp(() => {
        call.server()?.enter(() => {
          if (call.server()?.isAlive === true) void call.handle();
        });
      }),
    );
  }

  private isRepeated(): boolean {
    return this.world.isFaulty && this.world.random.network.chance(0.01);
  }

  private drawFate(): 'arrives' | 'lost' | 'answer-lost' {
    if (!this.world.isFaulty) return 'arrives';
    const drawn = this.world.random.network.next();
    if (drawn < 0.01) return 'lost';
    return drawn < 0.02 ? 'answer-lost' : 'arrives';
  }
}
