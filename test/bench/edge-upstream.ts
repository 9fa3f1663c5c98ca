import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { haproxyEnvironment } from '../../apps/router/src/haproxy/haproxy-command.js';
import { eventually } from '../e2e/support/http.js';
import { EdgeProbe } from './edge-probe.js';
import { freePort } from './edge-rig.js';

/** Asked for this, it is silent for longer than anybody waits. */
export const HOLD_PATH = '/hold';

/** Answers on one port of all loopback addresses with the address it was asked at: 16 million instances. */
export class EdgeUpstream {
  private child: ChildProcess | undefined;
  port = 0;

  async start(directory: string): Promise<void> {
    this.port = await freePort();
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'upstream.cfg');
    writeFileSync(file, configOf(this.port));
    this.child = spawn('haproxy', ['-db', '-f', file], {
      stdio: 'ignore',
      env: haproxyEnvironment(),
    });
    const probe = new EdgeProbe({ address: '127.5.6.7', port: this.port, host: 'any' });
    await eventually('the upstream answers', async () => (await probe.ask()).body === '127.5.6.7');
    probe.close();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Bound to the loopback interface: nobody else reaches it. */
const configOf = (port: number): string => `global
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
  timeout http-keep-alive 60s
  timeout tarpit 120s
frontend all
  bind 0.0.0.0:${port} interface lo
  http-request tarpit if { path ${HOLD_PATH} }
  http-request return status 200 content-type text/plain lf-string "%[dst]"
`;
