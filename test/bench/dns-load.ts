import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { encode } from 'dns-packet';

/** Load on a DNS server, in a process of its own: `fork`, one job, one result. */
export interface DnsLoadJob {
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
  readonly type: 'A' | 'SRV';
  readonly apps: number;
  readonly seconds: number;
  /** Questions under way at a time; the next is asked when one is answered. */
  readonly window: number;
  /** Asked per second at most; absent: as fast as answers come. */
  readonly ratePerSecond?: number;
}

export interface DnsLoadResult {
  readonly answered: number;
  /** Answers that were not NOERROR with records, and questions that got none. */
  readonly failed: number;
  readonly elapsedMs: number;
  readonly latenciesMs: readonly number[];
}

const CONNECTIONS = 8;
const LOST_MS = 1_000;
const MAX_SAMPLES = 400_000;

interface Pending {
  readonly sentMs: number;
}

class DnsLoad {
  private readonly pending = new Map<number, Pending>();
  private readonly latenciesMs: number[] = [];
  private readonly queries: readonly Buffer[];
  private answered = 0;
  private failed = 0;
  private next = 0;
  private sent = 0;
  private readonly startedMs = performance.now();
  private isOver = false;

  constructor(
    private readonly job: DnsLoadJob,
    private readonly write: (query: Buffer) => void,
  ) {
    this.queries = Array.from({ length: job.apps }, (_, number) => {
      const app = `app-${number}`;
      const name = job.type === 'A' ? `${app}.bench.pacer` : `_http._${app}._tcp.bench.pacer`;
      const opt = { name: '.', type: 'OPT', udpPayloadSize: 1_232, flags: 0, options: [] };
      const questions = [{ name, type: job.type, class: 'IN' as const }];
      return encode({ type: 'query', id: 0, questions, additionals: [opt as never] });
    });
  }

  async run(): Promise<DnsLoadResult> {
    this.fill();
    const tick = setInterval(() => {
      this.dropLost();
      this.fill();
    }, 1);
    await new Promise((resolve) => setTimeout(resolve, this.job.seconds * 1_000));
    clearInterval(tick);
    this.isOver = true;
    const elapsedMs = performance.now() - this.startedMs;
    const { answered, failed, latenciesMs } = this;
    return { answered, failed, elapsedMs, latenciesMs };
  }

  receive(answer: Buffer): void {
    const id = answer.readUInt16BE(0);
    const pending = this.pending.get(id);
    if (pending === undefined || this.isOver) return;
    this.pending.delete(id);
    this.answered += 1;
    const isGood = ((answer[3] ?? 0) & 15) === 0 && answer.readUInt16BE(6) > 0;
    if (!isGood) this.failed += 1;
    if (this.latenciesMs.length < MAX_SAMPLES) {
      this.latenciesMs.push(performance.now() - pending.sentMs);
    }
    this.fill();
  }

  private fill(): void {
    const { window, ratePerSecond = Infinity } = this.job;
    const allowed = ((performance.now() - this.startedMs) / 1_000) * ratePerSecond;
    while (this.pending.size < window && !this.isOver && this.sent < allowed) {
      this.next = (this.next + 1) % 65_536;
      if (this.pending.has(this.next)) continue;
      const query = Buffer.from(this.queries[this.sent % this.queries.length] ?? '');
      query.writeUInt16BE(this.next, 0);
      this.pending.set(this.next, { sentMs: performance.now() });
      this.sent += 1;
      this.write(query);
    }
  }

  private dropLost(): void {
    const oldestMs = performance.now() - LOST_MS;
    for (const [id, { sentMs }] of this.pending) {
      if (sentMs > oldestMs) return;
      this.pending.delete(id);
      this.failed += 1;
    }
  }
}

async function loadUdp(job: DnsLoadJob): Promise<DnsLoadResult> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await new Promise<void>((resolve) => socket.connect(job.port, '127.0.0.1', () => resolve()));
  const load = new DnsLoad(job, (query) => socket.send(query));
  socket.on('message', (answer) => load.receive(answer));
  const result = await load.run();
  socket.close();
  return result;
}

async function loadTcp(job: DnsLoadJob): Promise<DnsLoadResult> {
  const sockets: Socket[] = [];
  let turn = 0;
  const load = new DnsLoad(job, (query) => {
    const framed = Buffer.alloc(query.length + 2);
    framed.writeUInt16BE(query.length, 0);
    query.copy(framed, 2);
    turn += 1;
    sockets[turn % CONNECTIONS]?.write(framed);
  });
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const socket = connect({ host: '127.0.0.1', port: job.port, noDelay: true });
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= rest.readUInt16BE(0) + 2) {
        const end = rest.readUInt16BE(0) + 2;
        load.receive(rest.subarray(2, end));
        rest = rest.subarray(end);
      }
    });
    sockets.push(socket);
  }
  const result = await load.run();
  for (const socket of sockets) socket.destroy();
  return result;
}

process.on('message', (job: DnsLoadJob) => {
  void (job.transport === 'udp' ? loadUdp(job) : loadTcp(job)).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});
