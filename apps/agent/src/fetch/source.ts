import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Dispatcher, request } from 'undici';
import { FetchError } from '../engine/fetcher.port.js';
import { findUser } from '../host/user-ids.js';

/** Bytes to be read, and what is known of them before. */
export interface Source {
  readonly stream: Readable;
  /** Absent when the server does not say. */
  readonly bytes?: number;
  readonly validators: Validators;
}

/** By which a server can say that nothing changed. */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** Whose files may be read; the agent's own user when absent. */
  readonly user?: string;
  /** What is here already; the answer may be that it still holds. */
  readonly known?: Validators;
}

/** The server answered, and not with the file. */
export class RefusedError extends FetchError {
  constructor(readonly status: number) {
    super(`the server answered ${status}`);
  }
}

const MAX_REDIRECTS = 10;
/** Until a server's first bytes. */
const ANSWER_LIMIT_MS = 60_000;

/** What a location is read by; throws for one that cannot be. */
export function kindOf(location: string): 'file' | 'http' {
  if (isAbsolute(location)) return 'file';
  if (!URL.canParse(location)) throw new FetchError('neither a URL nor an absolute path');
  const { protocol } = new URL(location);
  if (protocol === 'file:') return 'file';
  if (protocol === 'http:' || protocol === 'https:') return 'http';
  throw new FetchError(`scheme ${protocol} is not supported (file, http, https)`);
}

/** Rejects with the reason when there is nothing to read. */
export async function openSource(
  location: string,
  options: OpenOptions,
): Promise<Source | 'not-modified'> {
  if (kindOf(location) === 'http') return await openHttp(new URL(location), options);
  const path = isAbsolute(location) ? location : fileURLToPath(location);
  return await openFile(path, options);
}

async function openHttp(first: URL, options: OpenOptions): Promise<Source | 'not-modified'> {
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const { statusCode: status, headers, body } = await ask(url, first, options);
    if (status === 304 && options.known !== undefined) {
      await body.dump();
      return 'not-modified';
    }
    const location = textOf(headers['location']);
    if (REDIRECTS.has(status) && location !== undefined) {
      await body.dump();
      url = redirect(url, location);
      continue;
    }
    if (status < 200 || status > 299) {
      await body.dump();
      throw new RefusedError(status);
    }
    const length = Number(headers['content-length'] ?? Number.NaN);
    const etag = textOf(headers['etag']);
    const lastModified = textOf(headers['last-modified']);
    return {
      stream: body,
      ...(Number.isSafeInteger(length) ? { bytes: length } : {}),
      validators: {
        ...(etag === undefined ? {} : { etag }),
        ...(lastModified === undefined ? {} : { lastModified }),
      },
    };
  }
  throw new FetchError(`more than ${MAX_REDIRECTS} redirects`);
}

/** A header given once. */
const textOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function redirect(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new FetchError(`redirected to no URL: ${location}`);
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new FetchError(`redirected to ${to.protocol}, which is neither http nor https`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new FetchError(`redirected from https to http, to ${to.host}`);
  }
  return to;
}

async function ask(
  url: URL,
  first: URL,
  { known, signal }: OpenOptions,
): Promise<Dispatcher.ResponseData> {
  signal.throwIfAborted();
  // For the answer alone: its body may be for others, who stop it by its stream.
  const opening = new AbortController();
  const stop = (): void => opening.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  try {
    return await request(plain, {
      signal: opening.signal,
      headersTimeout: ANSWER_LIMIT_MS,
      // Who receives it watches for stalls.
      bodyTimeout: 0,
      headers: {
        // The file as it is, whose length is told.
        'accept-encoding': 'identity',
        ...(plain.origin === first.origin ? credentialsOf(first) : {}),
        ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
        ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
      },
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A pipe that nobody writes to would hold the opening thread for ever. */
async function openFile(path: string, { user, signal }: OpenOptions): Promise<Source> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) {
    await file.close();
    throw new FetchError('not a regular file');
  }
  if (user === undefined || process.getuid?.() !== 0) {
    return { stream: file.createReadStream(), bytes: found.size, validators: {} };
  }
  await file.close();
  return { stream: await readAs(user, path, signal), bytes: found.size, validators: {} };
}

/** Reads a file by the rights of the task's user: the agent's own reach further. */
async function readAs(user: string, path: string, signal: AbortSignal): Promise<Readable> {
  const { uid, gid } = await findUser(user);
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
  const child = spawn('setpriv', [...identity, 'cat', '--', path], {
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = child;
  let complaint = '';
  stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, MAX_COMPLAINT);
  });
  child.on('error', (error) => stdout.destroy(error));
  // Without an end of its own: how the reading ended is known when the process has.
  const reading = new Readable({
    read: () => stdout.resume(),
    destroy: (error, done) => {
      child.kill('SIGKILL');
      done(error);
    },
  });
  stdout.on('data', (chunk: Buffer) => {
    if (!reading.push(chunk)) stdout.pause();
  });
  stdout.on('error', (error) => reading.destroy(error));
  child.on('close', (code) => {
    if (code === 0) reading.push(null);
    else reading.destroy(new FetchError(complaint.trim() || `cannot be read by user ${user}`));
  });
  return reading;
}

const MAX_COMPLAINT = 1_000;
