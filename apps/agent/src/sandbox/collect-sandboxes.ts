import { dirname } from 'node:path';
import type { RunKey } from '#core';
import type { DirectorySandboxStore } from './directory-sandbox-store.js';
import { filesystemUsage } from './disk-usage.js';
import { sandboxAgeLimitMs } from './sandbox-age.js';

const INTERVAL_MS = 60_000;

/** Once a minute removes the sandboxes of completed tasks that are too old for how full the disk is, or too many. */
export function collectSandboxes(options: {
  readonly store: DirectorySandboxStore;
  readonly isLive: (run: RunKey) => boolean;
  readonly delayMs: number;
  readonly headroom: number;
  readonly maxKept: number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}): { close(): void } {
  const { store, isLive, log } = options;
  let isSweeping = false;
  const sweep = async (): Promise<void> => {
    const usage = await filesystemUsage(dirname(store.root));
    const maxAgeMs = sandboxAgeLimitMs(usage, options);
    const bounds = { maxAgeMs, maxKept: options.maxKept };
    const removed = await store.sweep(isLive, Date.now(), bounds);
    if (removed === 0) return;
    const hours = (maxAgeMs / 3_600_000).toFixed(1);
    const state = `the disk is ${Math.round(usage * 100)} % full, ${hours} h and the newest ${options.maxKept} are kept`;
    log('info', `removed ${removed} sandboxes of completed tasks: ${state}`);
  };
  const timer = setInterval(() => {
    if (isSweeping) return;
    isSweeping = true;
    sweep()
      .catch((error: unknown) => log('warn', `cannot sweep the sandboxes: ${String(error)}`))
      .finally(() => {
        isSweeping = false;
      });
  }, INTERVAL_MS).unref();
  return { close: () => clearInterval(timer) };
}
