import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { describeWithHaproxy } from './haproxy.test-support.js';
import {
  explainTooManyConnections,
  maxConnectionsWithin,
  probeCapabilities,
  readCapabilities,
} from './haproxy-capabilities.js';
import { haproxyEnvironment } from './haproxy-command.js';
import { runCommands } from './runtime-socket.js';

describe('readCapabilities', () => {
  it('reads what a 3.1 says of itself', () => {
    const capabilities = readCapabilities({
      build: [
        'HAProxy version 3.1.2-cda631a 2025/01/07 - https://haproxy.org/',
        'Feature list : -51DEGREES +OPENSSL +QUIC -LUA +PROMEX',
      ].join('\n'),
      keywords: [
        '# List of registered configuration keywords:',
        '\tserver <name> <addr> weight +1',
        '\tserver <name> <addr> cookie +1',
        '\tserver <name> <addr> init-addr +1',
        '# List of registered CLI keywords:',
        'wait [WORKER] ',
        'new ssl cert [WORKER] ',
        'reload [MASTER] ',
      ].join('\n'),
      maxOpenFiles: 1_024,
    });

    expect(capabilities).toMatchObject({
      version: '3.1.2-cda631a',
      versionNumber: [3, 1, 2],
      features: new Set(['OPENSSL', 'QUIC', 'PROMEX']),
      commands: new Set(['wait', 'new ssl cert', 'reload']),
      addServerKeywords: new Set(['weight', 'cookie']),
      hasWaitCommand: true,
      hasReloadVerdict: true,
      hasRuntimeCertificates: false,
    });
  });

  it('claims nothing of what does not tell', () => {
    const capabilities = readCapabilities({ build: '', keywords: '', maxOpenFiles: undefined });

    expect(capabilities).toMatchObject({ version: undefined, versionNumber: [0, 0, 0] });
    expect(capabilities.hasWaitCommand || capabilities.hasReloadVerdict).toBe(false);
  });
});

describe('explainTooManyConnections', () => {
  it('names what fits', () => {
    const reason = explainTooManyConnections('global\n  maxconn 20000\n', 20_000);

    expect(reason).toContain('lower it to 9900');
    expect(explainTooManyConnections('global\n  maxconn 9900\n', 20_000)).toBeUndefined();
  });

  it.each([
    ['a proxy limits itself', 'defaults\n  maxconn 900000\n'],
    ['limits are not strict', 'global\n  maxconn 900000\n  no strict-limits\n'],
  ])('says nothing when %s', (_, text) => {
    expect(explainTooManyConnections(text, 1_000)).toBeUndefined();
  });
});

describeWithHaproxy('the installed HAProxy', () => {
  /** Starts it, resolves with what it answers or with undefined when it ended. */
  const withHaproxy = async <Result>(
    lines: readonly string[],
    look: (socket: string) => Promise<Result>,
  ): Promise<Result | undefined> => {
    const directory = await mkdtemp(join(tmpdir(), 'pacer-capabilities-'));
    const socket = join(directory, 'admin.sock');
    const config = join(directory, 'haproxy.cfg');
    await writeFile(
      config,
      [
        'global',
        `  stats socket ${socket} mode 600 level admin`,
        ...lines,
        'defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s',
        'backend web\n  server one 127.0.0.1:1\n',
      ].join('\n'),
    );
    const child = spawn('haproxy', ['-db', '-f', config], {
      stdio: 'ignore',
      env: haproxyEnvironment(),
    });
    const ended = new Promise<undefined>((resolve) => child.once('exit', () => resolve(undefined)));
    try {
      const up = vi.waitFor(() => runCommands(socket, ['show info']), { timeout: 20_000 });
      return await Promise.race([up.then(() => look(socket)), ended]);
    } finally {
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true, force: true });
    }
  };

  it('tells its version, features and commands', async () => {
    const capabilities = await probeCapabilities();

    expect(capabilities.versionNumber[0]).toBeGreaterThanOrEqual(2);
    expect([...capabilities.features]).toEqual(expect.arrayContaining(['OPENSSL']));
    expect([...capabilities.commands]).toEqual(expect.arrayContaining(['add server', 'reload']));
    expect([...capabilities.addServerKeywords]).toEqual(
      expect.arrayContaining(['weight', 'check', 'maxconn', 'ssl', 'send-proxy-v2', 'slowstart']),
    );
  });

  it('refuses at run time exactly the server keywords that are said to be refused', async () => {
    const { serverKeywords, addServerKeywords } = await probeCapabilities();
    const words = [...serverKeywords];

    const replies = await withHaproxy([], (socket) =>
      runCommands(
        socket,
        words.map((word, index) => `add server web/x${index} 127.0.0.1:9 ${word} 1`),
      ),
    );

    const refused = words.filter((_, index) =>
      replies?.[index]?.includes('not accepted for dynamic server'),
    );
    const claimed = words.filter((word) => !addServerKeywords.has(word));
    // 2.6 takes it, by a mistake that was mended.
    const quiet = refused.includes('enabled') ? [] : ['enabled'];
    expect([...refused, ...quiet].sort()).toEqual(claimed.sort());
  });

  it('starts with the largest maxconn that is said to fit', async () => {
    const { maxOpenFiles } = await probeCapabilities();
    const most = maxConnectionsWithin(maxOpenFiles);

    const info = await withHaproxy(most === undefined ? [] : [`  maxconn ${most}`], (socket) =>
      runCommands(socket, ['show info']),
    );

    expect(info?.[0]).toContain(most === undefined ? 'Maxconn:' : `Maxconn: ${most}`);
  });
});
