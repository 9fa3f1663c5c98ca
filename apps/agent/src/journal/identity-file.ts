import { crc32 } from 'node:zlib';
import type { AgentIdentity } from '#cluster';
import { JournalError } from '../engine/task-journal.port.js';

/** What the agent is, as a JSON object with a checksum over the rest of it. Earlier versions wrote none. */
export function writeIdentity(identity: AgentIdentity): string {
  return `${JSON.stringify({ ...identity, checksum: checksum(identity) })}\n`;
}

/** Throws a {@link JournalError} that says what to do when any of it is not as it was written. */
export function readIdentity(
  text: string,
  at: { readonly folder: string; readonly path: string },
): AgentIdentity {
  const read = parse(text);
  if (read === undefined) throw damaged(at, 'it is not the JSON that was written');
  const { checksum: expected, ...identity } = read;
  if (expected !== undefined && expected !== checksum(identity)) {
    throw damaged(at, 'its checksum does not match');
  }
  return identity;
}

function parse(text: string): (AgentIdentity & { readonly checksum?: unknown }) | undefined {
  try {
    const read = JSON.parse(text) as AgentIdentity;
    if (typeof read.highestEpoch === 'number' && typeof read.bootId === 'string') return read;
  } catch {
    // Said by the caller.
  }
  return undefined;
}

const damaged = (at: { readonly folder: string; readonly path: string }, reason: string) =>
  new JournalError(
    `${at.path} is damaged: ${reason}; put back a copy of it, or move ${at.folder} away to start as a new agent: ` +
      'the tasks of the old one are ended then and reported lost',
  );

const checksum = (identity: object): string =>
  crc32(JSON.stringify(identity)).toString(16).padStart(8, '0');
