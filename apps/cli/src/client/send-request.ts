import { readFileSync } from 'node:fs';
import {
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { request as secureRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface SentRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly limitMs: number;
}

/** Streams have a heartbeat every 15 s. */
const SILENCE_LIMIT_MS = 65_000;

/**
 * One request, by https with the TLS settings of the environment: `PACER_TLS_CA_FILE`, `PACER_TLS_CERT_FILE` and
 * `PACER_TLS_KEY_FILE`. Not by `fetch`, which takes no certificates without a package of its own. Rejects with the reason.
 */
export function sendRequest(
  url: URL,
  sent: SentRequest,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Answer> {
  const open = opener(url, environment);
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(new Error(explain(error, sent.limitMs)));
    const outgoing = open(
      {
        method: sent.method,
        headers: {
          ...sent.headers,
          ...(sent.body === undefined ? {} : { 'content-length': Buffer.byteLength(sent.body) }),
        },
        signal: AbortSignal.timeout(sent.limitMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    outgoing.on('error', fail);
    outgoing.end(sent.body);
  });
}

/** The answer to a GET request, likewise, as a stream that goes on as long as something is heard. */
export function openStream(
  url: URL,
  headers: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<IncomingMessage> {
  const open = opener(url, environment);
  return new Promise((resolve, reject) => {
    const outgoing = open({ headers }, resolve);
    outgoing.on('error', (error) => reject(new Error(explain(error, SILENCE_LIMIT_MS))));
    outgoing.setTimeout(SILENCE_LIMIT_MS, () => outgoing.destroy(new Error('nothing was heard')));
    outgoing.end();
  });
}

function opener(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): (options: RequestOptions, answered: (answer: IncomingMessage) => void) => ClientRequest {
  if (url.protocol !== 'https:') return (options, answered) => plainRequest(url, options, answered);
  const tls = readTlsOptions(environment);
  return (options, answered) => secureRequest(url, { ...tls, ...options }, answered);
}

/** The controller of this machine, unless somebody says otherwise. */
export const defaultUrl = (environment: Readonly<Record<string, string | undefined>>): string =>
  environment['PACER_URL'] ||
  `${environment['PACER_TLS_CERT_FILE'] ? 'https' : 'http'}://localhost:8080`;

/** Whom to trust and who we are. */
export function readTlsOptions(
  environment: Readonly<Record<string, string | undefined>>,
): ConnectionOptions {
  const read = (variable: string): string | undefined => {
    const path = environment[variable];
    if (!path) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`${variable}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const ca = read('PACER_TLS_CA_FILE');
  const cert = read('PACER_TLS_CERT_FILE');
  const key = read('PACER_TLS_KEY_FILE');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function explain(error: NodeJS.ErrnoException, limitMs: number): string {
  if (error.name === 'AbortError') return `no answer within ${limitMs / 1000} s`;
  const { code = '' } = error;
  const message = error.message.replace(/^[0-9A-F]+:error:[0-9A-F]*:/, '').trim() || code;
  if (/CERTIFICATE_REQUIRED/.test(code)) return `${message}; set PACER_TLS_CERT_FILE and _KEY_FILE`;
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_SIG)/.test(code)) {
    return `${message}; PACER_TLS_CA_FILE says whom to trust`;
  }
  return message || 'no answer';
}
