import { Agent, request } from 'undici';
import { authorizationOf, type Credential } from './credential.js';
import type { Place } from './runner-task.js';
import { connectBy, type TlsConnection } from './secure-connect.js';

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * A file of a task's sandbox as text, such as `stdout`, also after the task has ended: agents keep sandboxes for a while.
 * Reads from the agent's `/files/download`, at most 8 MiB. Throws when there is no such file or no answer.
 */
export async function readTaskFile(
  { taskId, agentUrl }: Pick<Place, 'taskId' | 'agentUrl'>,
  file: string,
  options: { readonly credential?: Credential; readonly tls?: () => TlsConnection } = {},
): Promise<string> {
  if (agentUrl === undefined) throw new Error(`task ${taskId}: its agent gives no address`);
  const path = encodeURIComponent(`/tasks/${taskId}/${file}`);
  const { statusCode, body } = await request(`${agentUrl}/files/download?path=${path}`, {
    headers: authorizationOf(options.credential),
    ...(options.tls === undefined
      ? {}
      : { dispatcher: new Agent({ ...connectBy(options.tls), pipelining: 0 }) }),
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`task ${taskId}: ${file} was answered ${statusCode} by ${agentUrl}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > MAX_FILE_BYTES) {
      throw new Error(`task ${taskId}: ${file} has more than ${MAX_FILE_BYTES} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
