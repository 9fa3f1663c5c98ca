import { createHash, type Hash } from 'node:crypto';
import { FetchError } from '../engine/fetcher.port.js';

/** Hexadecimal digits of each algorithm. */
const DIGITS = { sha256: 64, sha512: 128 } as const;

export interface Checksum {
  readonly algorithm: keyof typeof DIGITS;
  /** Lower case. */
  readonly digest: string;
}

/**
 * Takes `#sha256=<64 digits>` or `#sha512=<128 digits>` off the end of a URI or path, as pip writes them. Throws when
 * there are too many or too few digits.
 */
export function splitChecksum(value: string): {
  readonly location: string;
  readonly checksum?: Checksum;
} {
  const match = /^(.*)#(md5|sha\d+)=([^#]*)$/is.exec(value);
  if (match === null) return { location: value };
  const [, location = '', name = '', digits = ''] = match;
  const algorithm = name.toLowerCase();
  if (algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new FetchError(`checksums by ${algorithm} are not supported (sha256, sha512)`);
  }
  if (!/^[0-9a-f]*$/i.test(digits) || digits.length !== DIGITS[algorithm]) {
    throw new FetchError(
      `${algorithm}=${digits} is not a checksum of ${DIGITS[algorithm]} hexadecimal digits`,
    );
  }
  return { location, checksum: { algorithm, digest: digits.toLowerCase() } };
}

/** Compares what was received with what was promised. */
export class ChecksumCheck {
  private readonly hash: Hash;

  constructor(private readonly checksum: Checksum) {
    this.hash = createHash(checksum.algorithm);
  }

  update(chunk: Buffer): void {
    this.hash.update(chunk);
  }

  /** Throws when they differ. */
  end(): void {
    const { algorithm, digest } = this.checksum;
    const received = this.hash.digest('hex');
    if (received === digest) return;
    throw new FetchError(`its ${algorithm} is ${received}, not ${digest}`);
  }
}
