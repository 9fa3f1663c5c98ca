import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOpenSessions } from './open-sessions.js';

const HEADER = '# pxname,svname,qcur,qmax,scur';
const OLD_WORKER = 'show proc: # workers\n11 worker\n# old workers\n10 worker\n# programs';
const NO_OLD_WORKER = '# workers\n11 worker\n# old workers\n# programs';

describe('readOpenSessions', () => {
  let directory: string;
  const servers: Server[] = [];

  /** A socket that answers each command with what `answer` says of it. */
  const serve = async (
    name: string,
    prompt: string,
    answer: (command: string) => string,
  ): Promise<string> => {
    const server = createServer((connection) => {
      connection.on('error', () => undefined);
      connection.on('data', (chunk) => {
        for (const command of chunk.toString().trimEnd().split('\n')) {
          connection.write(command === 'prompt' ? prompt : `${answer(command)}${prompt}`);
        }
      });
    });
    servers.push(server);
    const path = join(directory, name);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return path;
  };
  const serveWorker = (): Promise<string> =>
    serve('admin', '\n> ', () => `${HEADER}\nweb,s1,0,0,1`);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pacer-sessions-'));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('adds up what the workers have', async () => {
    const masterSocket = await serve('master', 'master> ', (command) =>
      command === 'show proc' ? OLD_WORKER : `${HEADER}\nweb,s1,1,0,2\n`,
    );

    const sessions = await readOpenSessions({ adminSocket: await serveWorker(), masterSocket }, [
      'web',
    ]);

    expect(sessions).toEqual(new Map([['web/s1', 4]]));
  });

  it('knows nothing while an old worker that still lives does not tell', async () => {
    const masterSocket = await serve('master', 'master> ', (command) =>
      command === 'show proc' ? OLD_WORKER : "Can't connect to the target CLI!\n",
    );

    await expect(
      readOpenSessions({ adminSocket: await serveWorker(), masterSocket }, ['web']),
    ).rejects.toThrow('worker 10 does not tell its sessions');
  });

  it('does not count an old worker that ended while it was asked', async () => {
    const lists = [OLD_WORKER, NO_OLD_WORKER];
    const masterSocket = await serve('master', 'master> ', (command) =>
      command === 'show proc' ? (lists.shift() ?? '') : "Can't find the target PID\n",
    );

    const sessions = await readOpenSessions({ adminSocket: await serveWorker(), masterSocket }, [
      'web',
    ]);

    expect(sessions).toEqual(new Map([['web/s1', 1]]));
  });
});
