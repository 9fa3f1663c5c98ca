import type { Logger } from '#platform';
import type { Problems } from '../sync/problems.js';
import type { EdgeCertificates } from './edge-certificates.js';

/** What is asked of the certificates of an edge. */
export type FollowedCertificates = Pick<EdgeCertificates, 'refresh' | 'start' | 'sync'>;

/**
 * Keeps HAProxy at the certificates of now, whenever a look is due. Whatever is wrong with them is a problem of the edge, told
 * until the next look, and keeps nothing else back: neither apps nor a controller that is away have to do with it.
 */
export class CertificateFollower {
  /** A look is due: the next `follow` takes it. */
  isDue = false;

  constructor(
    /** Undefined: there is no TLS by host name. */
    private readonly certificates: FollowedCertificates | undefined,
    private readonly problems: Pick<Problems, 'clear' | 'note'>,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Before HAProxy starts. */
  async start(): Promise<void> {
    for (const problem of (await this.certificates?.start()) ?? []) this.logger.warn(problem);
  }

  /** Does nothing while no look is due. Never rejects. */
  async follow(): Promise<void> {
    if (!this.isDue || this.certificates === undefined) return;
    this.isDue = false;
    const problems: string[] = [];
    try {
      problems.push(...(await this.certificates.refresh()));
      problems.push(...(await this.certificates.sync()));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    if (problems.length === 0) this.problems.clear('certificates');
    else this.problems.note('certificates', problems.join('; '));
  }
}
