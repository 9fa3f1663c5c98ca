import { readFile } from 'node:fs/promises';
import type { Logger } from '#platform';
import { bindAddressesOf, type EdgeModel, type EdgeSettings, withoutListeners } from '#routing';
import type { BaseConfig } from './base-config.js';
import type { ConfigCheck } from './config-check.js';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { type EdgeProcess, EdgeReleasedError } from './edge-process.port.js';
import { EdgeRefusedError } from './edge-refused.js';
import { type EdgeVersion, versionNow } from './edge-version.js';
import { explainUnbindable } from './probe-bind.js';
import { isPortFreeAt, validateConfig } from './validate-config.js';

export interface EdgeStart {
  readonly files: Pick<EdgeFiles, 'config'>;
  readonly settings: EdgeSettings;
  readonly base?: Pick<BaseConfig, 'refuse'>;
  readonly check: Pick<ConfigCheck, 'explainRefusal'>;
  readonly logger: Logger;
  readonly binary: string;
  readonly process: EdgeProcess;
  readonly write: (version: EdgeVersion) => Promise<unknown>;
  /** Rejects unless a worker answers. */
  readonly prove: () => Promise<void>;
}

/**
 * Starts HAProxy anew: with what it served last, else with the file on disk, without listeners that cannot be had; as a
 * last resort with `empty`, and without an operator's file HAProxy has never served with. One that is not ours gets no
 * file but what it served: it is waited for.
 */
export async function startEdge(
  start: EdgeStart,
  models: { readonly served: EdgeVersion | undefined; readonly empty: EdgeModel },
): Promise<void> {
  const { files, logger, binary, process } = start;
  const { served, empty } = models;
  if (served !== undefined) await start.write(served);
  else if (process.isOurs && !(await validateConfig(files.config, binary)).ok) {
    await writeEmpty(start, empty);
  }
  try {
    await startAndProve(start);
  } catch (error) {
    if (!process.isOurs || error instanceof EdgeReleasedError) throw error;
    await explainFailedStart(start, error);
    logger.warn({ err: error }, 'HAProxy did not start; leaving out ports that are in use');
    await leaveOutTakenPorts(start);
    await startAndProve(start).catch((cause: unknown) => startEmpty(start, empty, cause));
  }
}

async function startEmpty(start: EdgeStart, empty: EdgeModel, cause: unknown): Promise<void> {
  if (cause instanceof EdgeReleasedError) throw cause;
  start.logger.error({ err: cause }, 'HAProxy did not start; starting it without routes');
  await writeEmpty(start, empty);
  await leaveOutTakenPorts(start);
  await startAndProve(start).catch(async (error: unknown) => {
    if (start.base?.refuse(start.settings.baseConfig, String(error)) !== true) throw error;
    await writeEmpty(start, empty);
    await startAndProve(start);
  });
}

/** With the operator's file only if HAProxy says nothing against it. */
async function writeEmpty(start: EdgeStart, empty: EdgeModel): Promise<void> {
  const { base, check, settings, write } = start;
  const version = versionNow(empty, settings);
  const reason = await check.explainRefusal(version);
  const isBaseRefused =
    reason !== undefined && base?.refuse(version.settings.baseConfig, reason) === true;
  await write(isBaseRefused ? versionNow(empty, settings) : version);
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
  if (taken.size > 0) await replaceFile(files.config, withoutListeners(text, taken));
}

/** There is no HAProxy now. */
const NONE_HELD: ReadonlySet<string> = new Set();
