import { toCliWord } from './edge-commands.js';
import { RuntimeApiError, runCommands } from './runtime-socket.js';

/** Lines that are sent at once. */
const BATCH_LINES = 500;

/** Replaces all entries of a map in one step: no lookup sees half of it. Rejects with {@link RuntimeApiError}. */
export async function replaceMap(
  socket: string,
  file: string,
  entries: ReadonlyMap<string, string>,
): Promise<void> {
  const map = toCliWord(file);
  const [prepared = ''] = await runCommands(socket, [`prepare map ${map}`]);
  const version = /New version created: (\d+)/.exec(prepared)?.[1];
  if (version === undefined) throw new RuntimeApiError(`prepare map ${file}: ${prepared}`);
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
}
