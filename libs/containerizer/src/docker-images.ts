/** Brings images to the engine. Tasks that want the same image at the same time share one pull. */
import type Dockerode from 'dockerode';
import { withinCallTime } from './docker-containers.js';
import { findCredentials } from './docker-credentials.js';
import { explainEngineError, hasStatus } from './docker-errors.js';
import { beginPull, endPull, type ImageRecords } from './image-records.js';
import { type PullEvent, trackPull } from './pull-progress.js';

export interface ImageRequest {
  readonly image: string;
  readonly force: boolean;
  readonly sandbox: string;
  readonly signal: AbortSignal;
  /** How far a pull is, at its beginning and then at most once a second. */
  readonly tell: (progress: string) => void;
}

export interface ImagePuller {
  /**
   * Pulls when missing, or always with `force`; fails naming the image. Aborting leaves a pull shared with others alone.
   */
  ensure(request: ImageRequest): Promise<void>;
  /** Until the returned function is called, the image is not removed: it is being pulled, or a container is made of it. */
  hold(image: string): () => void;
  isHeld(image: string): boolean;
  /** Does `work` unless the image is held. Who wants it meanwhile waits for the end of it. */
  whileUnused<T>(image: string, work: () => Promise<T>): Promise<T | undefined>;
  /** A pull of the image has ended, and its name stands for `id`. */
  settle(image: string, id: string | undefined): Promise<void>;
}

interface SharedPull {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  readonly listeners: Set<ImageRequest['tell']>;
  progress: string;
  users: number;
}

const TELL_MS = 1_000;

/** Without `records` nobody remembers what was pulled. */
export function createImagePuller(docker: Dockerode, records?: ImageRecords): ImagePuller {
  const pulls = new Map<string, SharedPull>();
  const holds = new Map<string, number>();
  const removals = new Map<string, Promise<unknown>>();
  const isPresent = createPresenceLookup(docker);

  const settle = async (image: string, id: string | undefined): Promise<void> =>
    await records?.update(endPull(image, id, Date.now()));

  const pullAndRecord = async (image: string, sandbox: string, shared: SharedPull) => {
    const before = await findImageId(docker, image);
    await records?.update(beginPull(image, before, Date.now()));
    await pull(docker, image, { sandbox, shared });
    await settle(image, await findImageId(docker, image));
  };

  const begin = (image: string, sandbox: string): SharedPull => {
    let start = (): void => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const shared: SharedPull = {
      done: started.then(async () => await pullAndRecord(image, sandbox, shared)),
      ...{ abort: new AbortController(), listeners: new Set(), users: 0 },
      progress: trackPull(image).describe(),
    };
    pulls.set(image, shared);
    const forget = (): void => void pulls.delete(image);
    shared.done.then(forget, forget);
    start();
    return shared;
  };

  return {
    async ensure({ image, force, sandbox, signal, tell }) {
      await removals.get(image);
      if (!force && (await isPresent(image))) return;
      const shared = pulls.get(image) ?? begin(image, sandbox);
      shared.users += 1;
      shared.listeners.add(tell);
      tell(shared.progress);
      const leave = (): void => {
        shared.users -= 1;
        // The last one to lose interest stops the transfer.
        if (shared.users === 0) shared.abort.abort();
      };
      signal.addEventListener('abort', leave);
      try {
        await shared.done;
      } catch (cause) {
        throw new Error(`image ${image}: ${explainEngineError(cause)}`, { cause });
      } finally {
        signal.removeEventListener('abort', leave);
        shared.listeners.delete(tell);
      }
    },
    hold(image) {
      holds.set(image, (holds.get(image) ?? 0) + 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (holds.get(image) ?? 1) - 1;
        if (left === 0) holds.delete(image);
        else holds.set(image, left);
      };
    },
    isHeld: (image) => holds.has(image),
    async whileUnused(image, work) {
      if (holds.has(image)) return undefined;
      const removal = work();
      removals.set(
        image,
        removal.catch(() => undefined),
      );
      try {
        return await removal;
      } finally {
        removals.delete(image);
      }
    },
    settle,
  };
}

/** Whether the engine has an image. Launches of one image at the same time ask once. */
function createPresenceLookup(docker: Dockerode): (image: string) => Promise<boolean> {
  const underWay = new Map<string, Promise<boolean>>();
  return async (image) => {
    const lookup =
      underWay.get(image) ??
      findImageId(docker, image)
        .then((id) => id !== undefined)
        .finally(() => underWay.delete(image));
    underWay.set(image, lookup);
    return await lookup;
  };
}

/** What a name stands for; undefined when the engine does not have it. */
export async function findImageId(docker: Dockerode, image: string): Promise<string | undefined> {
  try {
    return (await withinCallTime(docker.getImage(image).inspect())).Id;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function pull(
  docker: Dockerode,
  image: string,
  { sandbox, shared }: { readonly sandbox: string; readonly shared: SharedPull },
): Promise<void> {
  const credentials = await findCredentials(image, sandbox);
  const options = {
    abortSignal: shared.abort.signal,
    ...(credentials === undefined ? {} : { authconfig: credentials }),
  };
  const tracked = trackPull(image);
  let toldMs = 0;
  const take = (event: PullEvent): void => {
    tracked.take(event);
    const nowMs = performance.now();
    if (nowMs - toldMs < TELL_MS) return;
    toldMs = nowMs;
    shared.progress = tracked.describe();
    for (const tell of shared.listeners) tell(shared.progress);
  };
  // Without a tag the engine would pull all of them.
  const stream = await docker.pull(withTag(image), options);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), take);
  });
}

export function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? image : `${image}:latest`;
}
