import { createHash } from 'node:crypto';
import { type EdgeModel, type EdgeSettings, generationMark, structureParts } from '#routing';

/** Names structures by a hash of their text, computed once for each model and what else can change. */
export class Generations {
  private known = new WeakMap<EdgeModel, string>();
  private setting = '';
  /** Part of the last structure -> its hash: of a large one few parts change. */
  private parts: ReadonlyMap<string, string> = new Map();

  constructor(private readonly settings: EdgeSettings) {}

  of(model: EdgeModel): string {
    const { baseConfig, tls } = this.settings;
    const setting = `${tls?.hasDefaultCertificate} ${baseConfig ?? ''}`;
    if (setting !== this.setting) {
      this.setting = setting;
      this.known = new WeakMap();
    }
    const known = this.known.get(model) ?? this.hash(structureParts(model, this.settings));
    this.known.set(model, known);
    return known;
  }

  markOf(model: EdgeModel): string {
    return generationMark(this.of(model));
  }

  private hash(parts: readonly string[]): string {
    const next = new Map<string, string>();
    const whole = createHash('sha256');
    for (const part of parts) {
      const hash = this.parts.get(part) ?? createHash('sha256').update(part).digest('base64');
      next.set(part, hash);
      whole.update(hash);
    }
    this.parts = next;
    return whole.digest('hex').slice(0, 16);
  }
}
