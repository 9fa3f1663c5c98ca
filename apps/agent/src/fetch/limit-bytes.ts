import { Transform } from 'node:stream';
import { FetchError } from '../engine/fetcher.port.js';

/** Passes bytes through and fails once there are more than `limit`. */
export function limitBytes(limit: number, what: string): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > limit) done(new FetchError(`${what}: more than the limit of ${limit} bytes`));
      else done(null, chunk);
    },
  });
}
