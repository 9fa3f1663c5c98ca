import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TestEdge } from './edge.test-support.js';
import { describeWithHaproxy } from './haproxy.test-support.js';
import type { HaproxyEdge } from './haproxy-edge.js';
import { replaceMap } from './replace-map.js';
import { runCommands } from './runtime-socket.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

describeWithHaproxy('replaceMap', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;
  let file: string;
  let cutter: Server | undefined;

  beforeEach(async () => {
    scene = await TestEdge.create();
    edge = scene.newEdge();
    await edge.start(scene.model([]));
    file = scene.files.maps.hosts;
  });
  afterEach(async () => {
    cutter?.close();
    await edge.stop();
    await scene.remove();
  });

  const show = async (command: string): Promise<string> => {
    const [answer = ''] = await runCommands(scene.files.adminSocket, [command]);
    return answer;
  };
  const entryCount = async (): Promise<number> => {
    const line = (await show('show map')).split('\n').find((one) => one.includes(`(${file})`));
    return Number(/entry_cnt=(\d+)/.exec(line ?? '')?.[1]);
  };
  const entries = (count: number): ReadonlyMap<string, string> =>
    new Map(Array.from({ length: count }, (_, index) => [`host-${index}/`, 'web_0']));

  /** A way to HAProxy that ends at a command with this word, before HAProxy hears it, and takes no more then. */
  const cutAt = async (
    word: string,
    { forGood }: { readonly forGood: boolean },
  ): Promise<string> => {
    let isCut = false;
    const path = join(scene.directory, `cut-${word}.sock`);
    cutter = createServer((client) => {
      if (isCut && forGood) return client.destroy();
      const haproxy = createConnection(scene.files.adminSocket);
      haproxy.on('error', () => client.destroy());
      client.on('error', () => haproxy.destroy());
      haproxy.pipe(client);
      client.on('data', (chunk: Buffer) => {
        if (!isCut && chunk.toString().includes(word)) {
          isCut = true;
          client.destroy();
          haproxy.destroy();
        } else haproxy.write(chunk);
      });
      client.on('close', () => haproxy.destroy());
      return undefined;
    });
    await new Promise<void>((resolve) => cutter?.listen(path, resolve));
    return path;
  };

  it('leaves nothing behind when it fails', async () => {
    const before = await entryCount();
    const socket = await cutAt('commit map', { forGood: false });

    await expect(replaceMap(socket, file, entries(600))).rejects.toMatchObject({
      code: 'HAPROXY_RUNTIME',
    });

    expect(await entryCount()).toBe(before);
  });

  it('clears and uses again what was left where HAProxy could not be told', async () => {
    const socket = await cutAt('commit map', { forGood: true });
    await expect(replaceMap(socket, file, entries(600))).rejects.toThrow();
    expect(await entryCount()).toBeGreaterThanOrEqual(600);

    await replaceMap(scene.files.adminSocket, file, entries(3));

    expect(await entryCount()).toBe(3);
    expect((await show('show map')).split('\n').find((one) => one.includes(`(${file})`))).toContain(
      'curr_ver=1 next_ver=1',
    );
  });
});
