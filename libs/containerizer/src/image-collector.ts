/** Removes images that this agent has pulled and that nobody uses any more, once a minute. */
import { statfs } from 'node:fs/promises';
import type Dockerode from 'dockerode';
import { withinCallTime, withTimeout } from './docker-containers.js';
import { explainEngineError, hasStatus } from './docker-errors.js';
import { findImageId, type ImagePuller } from './docker-images.js';
import { chooseImages, type ImageBounds } from './image-choice.js';
import type { ImageRecord, ImageRecords } from './image-records.js';

const INTERVAL_MS = 60_000;

export interface ImageCollector {
  /** One pass; the timer calls it too. Gives the names of what was removed. */
  collect(): Promise<readonly string[]>;
  close(): void;
}

export function createImageCollector(options: {
  readonly docker: Dockerode;
  readonly images: ImagePuller;
  readonly records: ImageRecords;
  readonly bounds: ImageBounds;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}): ImageCollector {
  const { docker, images, records, bounds, log } = options;
  let isCollecting = false;

  const collect = async (): Promise<readonly string[]> => {
    await settlePulls(docker, images, records);
    const used = new Set(
      (await docker.listContainers({ all: true, ...withTimeout() })).map(({ ImageID }) => ImageID),
    );
    const isUsed = ({ id = '', reference }: ImageRecord): boolean =>
      used.has(id) || images.isHeld(reference);
    const nowMs = Date.now();
    await records.update((all) =>
      all.some(isUsed) ? all.map((one) => (isUsed(one) ? { ...one, usedAtMs: nowMs } : one)) : all,
    );
    const removed: string[] = [];
    for (const { record, isTooOld } of chooseImages(await records.all(), {
      isUsed,
      nowMs,
      bounds,
    })) {
      if (!isTooOld && !(await isDiskFull(docker, bounds.maxDiskPercent))) break;
      const outcome = await images.whileUnused(
        record.reference,
        async () => await remove(docker, record),
      );
      if (outcome === undefined) continue;
      await records.update((all) =>
        all.filter(({ reference, id }) => reference !== record.reference || id !== record.id),
      );
      if (outcome === 'left') continue;
      removed.push(record.reference);
      const why = isTooOld ? 'it was unused for too long' : 'the disk is too full';
      log('info', `removed image ${record.reference}: ${why}`);
    }
    return removed;
  };

  const timer = setInterval(() => {
    if (isCollecting) return;
    isCollecting = true;
    // An engine that is away, or a failure of the disk: the next pass tries again.
    collect()
      .catch((error: unknown) => log('warn', `cannot collect images: ${explainEngineError(error)}`))
      .finally(() => {
        isCollecting = false;
      });
  }, INTERVAL_MS);
  timer.unref();
  return { collect, close: () => clearInterval(timer) };
}

/** Of pulls whose end an earlier agent did not see. */
async function settlePulls(docker: Dockerode, images: ImagePuller, records: ImageRecords) {
  for (const { reference, id } of await records.all()) {
    if (id !== undefined || images.isHeld(reference)) continue;
    await images.settle(reference, await findImageId(docker, reference));
  }
}

/** `left`: it is the engine's, or somebody else's, by now. Undefined: not now, somebody uses it. */
async function remove(
  docker: Dockerode,
  { reference, id = '' }: ImageRecord,
): Promise<'removed' | 'left' | undefined> {
  const image = await withinCallTime(docker.getImage(id).inspect()).catch(ifMissing);
  if (image === undefined) return 'left';
  const isNamed = (await findImageId(docker, reference)) === id;
  // Its name stands for a newer one, and others have named it: theirs.
  if (!isNamed && (image.RepoTags ?? []).length > 0) return 'left';
  try {
    await withinCallTime(docker.getImage(isNamed ? reference : id).remove());
    return 'removed';
  } catch (error) {
    if (hasStatus(error, 404)) return 'left';
    // A container that was made meanwhile, or an image built on it.
    if (hasStatus(error, 409)) return undefined;
    throw error;
  }
}

/** False where the engine's disk cannot be seen from here. */
async function isDiskFull(docker: Dockerode, maxPercent: number): Promise<boolean> {
  const { socketPath } = docker.modem as { readonly socketPath?: unknown };
  if (socketPath === undefined) return false;
  const { DockerRootDir } = (await withinCallTime(docker.info())) as {
    readonly DockerRootDir?: string;
  };
  const found = await statfs(DockerRootDir ?? '').catch(() => undefined);
  if (found === undefined || found.blocks === 0) return false;
  return (1 - found.bavail / found.blocks) * 100 > maxPercent;
}

function ifMissing(error: unknown): undefined {
  if (hasStatus(error, 404)) return undefined;
  throw error;
}
