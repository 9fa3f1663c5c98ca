import { createHash } from 'node:crypto';
import { type EdgeModel, type EdgeSettings, generationMark, renderStructure } from '#routing';

/** Names structures by a hash of their text, computed once for each model and what else can change. */
export class Generations {
  private known = new WeakMap<EdgeModel, string>();
  private setting = '';

  constructor(private readonly settings: EdgeSettings) {}

  of(model: EdgeModel): string {
    const { baseConfig, tls } = this.settings;
    const setting = `${tls?.hasDefaultCertificate} ${baseConfig ?? ''}`;
    if (setting !== this.setting) {
      this.setting = setting;
      this.known = new WeakMap();
    }
    const known = this.known.get(model);
    if (known !== undefined) return known;
    const structure = renderStructure(model, this.settings);
    const generation = createHash('sha256').update(structure).digest('hex').slice(0, 16);
    this.known.set(model, generation);
    return generation;
  }

  markOf(model: EdgeModel): string {
    return generationMark(this.of(model));
  }
}
