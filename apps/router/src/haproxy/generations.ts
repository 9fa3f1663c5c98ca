import { createHash } from 'node:crypto';
import { type EdgeModel, type EdgeSettings, generationMark, structureParts } from '#routing';
import type { EdgeVersion } from './edge-version.js';

/** Names structures by a hash of their text, computed once for each model and what else can change. */
export class Generations {
  /** By the rules of a model, which are the same object as long as nothing but endpoints differs: see `toEdgeModel`. */
  private known = new WeakMap<EdgeModel['structure']['rules'], string>();
  private setting = '';
  /** Part of the last structure -> its hash: of a large one few parts change. */
  private parts: ReadonlyMap<string, string> = new Map();

  of(model: EdgeModel, settings: EdgeSettings): string {
    const { appsPort, baseConfig, tls } = settings;
    const setting = `${tls?.hasDefaultCertificate} ${appsPort} ${baseConfig ?? ''}`;
    if (setting !== this.setting) {
      this.setting = setting;
      this.known = new WeakMap();
    }
    const { rules } = model.structure;
    const known = this.known.get(rules) ?? this.hash(structureParts(model, settings));
    this.known.set(rules, known);
    return known;
  }

  markOf({ model, settings }: EdgeVersion): string {
    return generationMark(this.of(model, settings));
  }

  private hash(parts: readonly string[]): string {
    const next = new Map<string, string>();
    const hashes: string[] = [];
    for (const part of parts) {
      const hash = this.parts.get(part) ?? createHash('sha256').update(part).digest('base64');
      next.set(part, hash);
      hashes.push(hash);
    }
    this.parts = next;
    return createHash('sha256').update(hashes.join('')).digest('hex').slice(0, 16);
  }
}
