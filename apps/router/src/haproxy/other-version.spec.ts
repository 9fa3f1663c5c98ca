import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { TestEdge } from './edge.test-support.js';
import { haproxyEnvironment, readHaproxyVersion } from './haproxy-command.js';
import { readProcesses } from './open-sessions.js';
import { runCommands } from './runtime-socket.js';

vi.setConfig({ testTimeout: 120_000 });

/** A HAProxy of another version than the one in the PATH. */
const other = process.env['PACER_OTHER_HAPROXY'];
if (other === undefined) {
  process.stderr.write('skipped: PACER_OTHER_HAPROXY names no HAProxy of another version\n');
}

describe.runIf(other !== undefined)('a HAProxy that is replaced by another version', () => {
  it.each(['to', 'from'])('is reloaded %s it without losing a request', async (direction) => {
    const scene = await TestEdge.create();
    const binary = join(scene.directory, 'haproxy');
    const env = haproxyEnvironment();
    const installed = execFileSync('sh', ['-c', 'command -v haproxy'], { env }).toString().trim();
    const [before = '', after = ''] = direction === 'to' ? [installed, other] : [other, installed];
    const install = (path: string): void => {
      copyFileSync(path, `${binary}.new`);
      renameSync(`${binary}.new`, binary);
    };
    install(before);
    const edge = scene.newEdge({ binary });
    const [first, second] = [await scene.upstream('first'), await scene.upstream('second')];
    await edge.start(scene.model([]));
    await edge.reload(scene.model([first]));
    const master = edge.pid;
    const answers = new Set<string>();
    let isOver = false;
    const client = (async () => {
      while (!isOver) answers.add(await scene.ask().catch(String));
    })();

    install(after);
    await edge.reload(scene.model([second]));
    await edge.applyRuntime(scene.model([first, second]));
    await edge.reload(scene.model([second], { weight: 2 }));

    isOver = true;
    await client;
    const [info = ''] = await runCommands(scene.files.adminSocket, ['show info']);
    const version = /^Version: (\S+)$/m.exec(info)?.[1];
    expect(await readHaproxyVersion(after)).toContain(version);
    expect([...answers].sort()).toEqual(['first', 'second']);
    expect((await readProcesses(scene.files)).pid).toBe(master);
    await edge.stop();
    await scene.remove();
  });
});
