import { readFile } from 'node:fs/promises';
import type { Logger } from '#platform';
import { bindAddressesOf, type EdgeModel, type EdgeSettings, withoutListeners } from '#routing';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import type { EdgeProcess } from './edge-process.port.js';
import { EdgeRefusedError } from './edge-refused.js';
import { explainUnbindable } from './probe-bind.js';
import { isPortFreeAt, validateConfig } from './validate-config.js';

export interface EdgeStart {
  readonly files: Pick<EdgeFiles, 'config'>;
  readonly settings: Pick<EdgeSettings, 'bindAddresses' | 'httpPort'>;
  readonly logger: Logger;
  readonly binary: string;
  readonly process: EdgeProcess;
  readonly writeConfig: (model: EdgeModel) => Promise<unknown>;
  /** Rejects unless a worker answers. */
  readonly prove: () => Promise<void>;
}

/**
 * Starts HAProxy anew: with what it served last, else with the file on disk, without ports that another program has taken;
 * as a last resort with `empty`. One that is not ours gets no file but what it served: it is waited for.
 */
export async function startEdge(
  start: EdgeStart,
  models: { readonly served: EdgeModel | undefined; readonly empty: EdgeModel },
): Promise<void> {
  const { files, logger, binary, process } = start;
  const { served, empty } = models;
  if (served !== undefined) await start.writeConfig(served);
  else if (process.isOurs && !(await validateConfig(files.config, binary)).ok) {
    await start.writeConfig(empty);
  }
  try {
    await startAndProve(start);
  } catch (error) {
    if (!process.isOurs) throw error;
    await explainFailedStart(start, error);
    logger.warn({ err: error }, 'HAProxy did not start; leaving out ports that are in use');
    await leaveOutTakenPorts(start);
    await startAndProve(start).catch(async (cause: unknown) => {
      logger.error({ err: cause }, 'HAProxy did not start; starting it without routes');
      await start.writeConfig(empty);
      await startAndProve(start);
    });
  }
}

async function startAndProve({ process, prove }: EdgeStart): Promise<void> {
  await process.start();
  try {
    await prove();
  } catch (error) {
    await process.stop();
    throw error;
  }
}

async function explainFailedStart({ settings }: EdgeStart, error: unknown): Promise<void> {
  const { bindAddresses, httpPort } = settings;
  if (await isPortFreeAt(bindAddresses, httpPort)) return;
  throw new EdgeRefusedError(
    `port ${httpPort} of the edge is used by another program: stop it, or set PACER_EDGE_HTTP_PORT`,
    'start',
    { cause: error },
  );
}

/** `haproxy -c` does not listen, so a valid file may not start. */
async function leaveOutTakenPorts({ files }: EdgeStart): Promise<void> {
  const text = await readFile(files.config, 'utf8');
  const taken = new Set<string>();
  for (const bind of bindAddressesOf(text)) {
    if ((await explainUnbindable(bind, NONE_HELD)) !== undefined) taken.add(bind.address);
  }
  await replaceFile(files.config, withoutListeners(text, taken));
}

/** There is no HAProxy now. */
const NONE_HELD: ReadonlySet<string> = new Set();
