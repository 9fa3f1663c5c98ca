import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { MessageHandler } from './message-handler.js';
import { MAX_QUERY_BYTES } from './read-query.js';
import { lengthPrefixed, MessageReader } from './tcp-messages.js';

/** A connection on which nothing is asked for so long is closed; so is one on which a message takes so long to come. */
const IDLE_MS = 10_000;
/** Questions of one connection answered at a time: it is read on when there are fewer. */
const MAX_UNANSWERED = 32;
/** Answers a client has not taken. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const MAX_CONNECTIONS_WAITING = 128;

/** Opens the port; rejects when it cannot be had. When there are too many connections the one idle for longest goes. */
export class TcpListener {
  private readonly server: Server;
  /** The one that said something last is last. */
  private readonly connections = new Set<Connection>();

  constructor(
    private readonly options: {
      readonly handle: MessageHandler;
      readonly maxConnections: number;
      readonly onError: (error: Error) => void;
      readonly idleMs?: number;
    },
  ) {
    this.server = createServer({ noDelay: true }, (socket) => this.take(socket));
  }

  get size(): number {
    return this.connections.size;
  }

  /** Once it listens. */
  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async listen(host: string, port: number): Promise<void> {
    this.server.listen({ host, port, exclusive: true, backlog: MAX_CONNECTIONS_WAITING });
    await once(this.server, 'listening');
    this.server.on('error', this.options.onError);
  }

  close(): void {
    this.server.close();
    for (const connection of this.connections) connection.end();
  }

  private take(socket: Socket): void {
    const { handle, maxConnections, idleMs = IDLE_MS } = this.options;
    const connection = new Connection(socket, {
      handle,
      idleMs,
      onActive: () => {
        this.connections.delete(connection);
        this.connections.add(connection);
      },
      onClose: () => this.connections.delete(connection),
    });
    this.connections.add(connection);
    const [idlest] = this.connections;
    if (this.connections.size > maxConnections) idlest?.end();
  }
}

class Connection {
  private readonly reader = new MessageReader(MAX_QUERY_BYTES);
  /** Whole messages whose turn has not come: at most those of one chunk, as no more is read while there are some. */
  private readonly waiting: Buffer[] = [];
  private unanswered = 0;
  /** Started again with each message, not with each byte: a message must come, and be taken, in one go. */
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly socket: Socket,
    private readonly options: {
      readonly handle: MessageHandler;
      readonly idleMs: number;
      readonly onActive: () => void;
      readonly onClose: () => void;
    },
  ) {
    this.timer = setTimeout(() => this.end(), options.idleMs);
    socket.on('error', () => this.end());
    socket.on('close', () => this.end());
    socket.on('drain', () => this.answerWaiting());
    socket.on('data', (chunk) => this.read(chunk));
  }

  end(): void {
    clearTimeout(this.timer);
    this.waiting.length = 0;
    this.socket.destroy();
    this.options.onClose();
  }

  private read(chunk: Buffer): void {
    try {
      this.waiting.push(...this.reader.push(chunk));
    } catch {
      this.end();
      return;
    }
    this.answerWaiting();
  }

  private answerWaiting(): void {
    const { socket } = this;
    while (this.unanswered < MAX_UNANSWERED && socket.writableLength < MAX_BUFFERED_BYTES) {
      const message = this.waiting.shift();
      if (message === undefined || socket.destroyed) break;
      this.answer(message);
    }
    if (socket.destroyed) return;
    if (this.waiting.length > 0) socket.pause();
    else socket.resume();
  }

  private answer(message: Buffer): void {
    const { socket } = this;
    this.timer.refresh();
    this.options.onActive();
    this.unanswered += 1;
    let isSynchronous = true;
    const reply = (bytes: Buffer | undefined): void => {
      this.unanswered -= 1;
      if (bytes !== undefined && !socket.destroyed) socket.write(lengthPrefixed(bytes));
      if (!isSynchronous) this.answerWaiting();
    };
    this.options.handle(message, { address: socket.remoteAddress ?? '', transport: 'tcp' }, reply);
    isSynchronous = false;
  }
}
