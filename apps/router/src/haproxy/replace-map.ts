import { toCliWord } from './edge-commands.js';
import { RuntimeApiError, runCommands } from './runtime-socket.js';

/** Lines that are sent at once. */
const BATCH_LINES = 500;
/** Versions begun and never committed that are cleared, the newest first. */
const MAX_LEFT_VERSIONS = 16;

/**
 * Replaces all entries of a map in one step: no lookup sees half of it. What an earlier try has left in HAProxy, unseen, is
 * cleared, and its version used again, so that however often this fails there is at most one. Rejects with
 * {@link RuntimeApiError}.
 */
export async function replaceMap(
  socket: string,
  file: string,
  entries: ReadonlyMap<string, string>,
): Promise<void> {
  const map = toCliWord(file);
  const version = (await reuseVersion(socket, file)) ?? (await newVersion(socket, file));
  try {
    const lines = [...entries].map(
      ([key, value]) => `add map @${version} ${map} ${toCliWord(key)} ${toCliWord(value)}`,
    );
    for (let at = 0; at < lines.length; at += BATCH_LINES) {
      const replies = await runCommands(socket, lines.slice(at, at + BATCH_LINES));
      const refusal = replies.find((reply) => reply !== '');
      if (refusal !== undefined) throw new RuntimeApiError(`add map ${file}: ${refusal}`);
    }
    const [committed = ''] = await runCommands(socket, [`commit map @${version} ${map}`]);
    if (committed !== '') throw new RuntimeApiError(`commit map ${file}: ${committed}`);
  } catch (error) {
    // Where HAProxy does not hear this either, the next try does it.
    await runCommands(socket, [`clear map @${version} ${map}`]).catch(() => undefined);
    throw error;
  }
}

async function newVersion(socket: string, file: string): Promise<number> {
  const [prepared = ''] = await runCommands(socket, [`prepare map ${toCliWord(file)}`]);
  const version = /New version created: (\d+)/.exec(prepared)?.[1];
  if (version === undefined) throw new RuntimeApiError(`prepare map ${file}: ${prepared}`);
  return Number(version);
}

/** The newest version that was begun and not committed, empty again; undefined: there is none. */
async function reuseVersion(socket: string, file: string): Promise<number | undefined> {
  const [maps = ''] = await runCommands(socket, ['show map']);
  const line = maps.split('\n').find((one) => one.includes(`(${file}) `)) ?? '';
  const [, current = '0', next = '0'] = /curr_ver=(\d+) next_ver=(\d+)/.exec(line) ?? [];
  const count = Math.min(Number(next) - Number(current), MAX_LEFT_VERSIONS);
  if (!(count > 0)) return undefined;
  const left = Array.from({ length: count }, (_, index) => Number(next) - index);
  const map = toCliWord(file);
  const replies = await runCommands(
    socket,
    left.map((version) => `clear map @${version} ${map}`),
  );
  return replies.every((reply) => reply === '') ? Number(next) : undefined;
}
