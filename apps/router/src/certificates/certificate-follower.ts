import type { Logger } from '#platform';
import type { Problems } from '../sync/problems.js';
import type { EdgeCertificates } from './edge-certificates.js';

/** What is asked of the certificates of an edge. */
export type FollowedCertificates = Pick<
  EdgeCertificates,
  'refresh' | 'revision' | 'start' | 'sync'
>;

/**
 * Keeps HAProxy at the certificates of now, whenever a look is due. Whatever is wrong with them is a problem of the edge, told
 * until the next look, and keeps nothing else back: neither apps nor a controller that is away have to do with it.
 */
export class CertificateFollower {
  /** A look at what there is is due: the next `follow` takes it. */
  isDue = false;
  /** HAProxy could not be asked: it is with the next `follow`, whatever is due. */
  private isHaproxyBehind = false;
  private found: readonly string[] = [];

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

  /** Does nothing while no look is due. Says whether there are others than before. Never rejects. */
  async follow(): Promise<boolean> {
    const { certificates } = this;
    if (certificates === undefined || !(this.isDue || this.isHaproxyBehind)) return false;
    const before = certificates.revision;
    if (this.isDue) {
      this.isDue = false;
      this.found = await certificates.refresh().catch(describe);
    }
    this.isHaproxyBehind = false;
    const refused = await certificates.sync().catch((error: unknown) => {
      this.isHaproxyBehind = true;
      return describe(error);
    });
    const problems = [...this.found, ...refused];
    if (problems.length === 0) this.problems.clear('certificates');
    else this.problems.note('certificates', problems.join('; '));
    return certificates.revision !== before;
  }
}

const describe = (error: unknown): readonly string[] => [
  error instanceof Error ? error.message : String(error),
];
