/** Brings images to the engine. Tasks that want the same image at the same time share one pull. */
import type Dockerode from 'dockerode';
import { findCredentials } from './docker-credentials.js';
import { explainEngineError, hasStatus } from './docker-errors.js';

export interface ImagePuller {
  /**
   * Pulls when missing, or always with `force`; fails naming the image. Aborting leaves a pull shared with others alone.
   */
  ensure(request: {
    readonly image: string;
    readonly force: boolean;
    readonly sandbox: string;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

interface SharedPull {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  users: number;
}

export function createImagePuller(docker: Dockerode): ImagePuller {
  const pulls = new Map<string, SharedPull>();

  const begin = (image: string, sandbox: string): SharedPull => {
    const abort = new AbortController();
    const done = pull(docker, image, { sandbox, signal: abort.signal });
    const shared = { done, abort, users: 0 };
    pulls.set(image, shared);
    const forget = (): void => void pulls.delete(image);
    done.then(forget, forget);
    return shared;
  };

  return {
    async ensure({ image, force, sandbox, signal }) {
      if (!force && (await isPresent(docker, image))) return;
      const shared = pulls.get(image) ?? begin(image, sandbox);
      shared.users += 1;
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
      }
    },
  };
}

async function isPresent(docker: Dockerode, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (hasStatus(error, 404)) return false;
    throw error;
  }
}

async function pull(
  docker: Dockerode,
  image: string,
  { sandbox, signal }: { readonly sandbox: string; readonly signal: AbortSignal },
): Promise<void> {
  const credentials = await findCredentials(image, sandbox);
  const options = {
    abortSignal: signal,
    ...(credentials === undefined ? {} : { authconfig: credentials }),
  };
  // Without a tag the engine would pull all of them.
  const stream = await docker.pull(withTag(image), options);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
  });
}

export function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? image : `${image}:latest`;
}
