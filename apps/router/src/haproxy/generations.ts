import { createHash } from 'node:crypto';
import {
  type EdgeModel,
  type EdgeSettings,
  generationMark,
  renderStructure,
  structureTexts,
} from '#routing';

/** Names structures by a hash of their text, computed once for each model and what else can change. */
export class Generations {
  private known = new WeakMap<EdgeModel, string>();
  private setting = '';
  /** Of the model before: most changes leave the structure as it is. */
  private last: { readonly texts: readonly string[]; readonly generation: string } | undefined;

  constructor(private readonly settings: EdgeSettings) {}

  of(model: EdgeModel): string {
    const { baseConfig, tls } = this.settings;
    const setting = `${tls?.hasDefaultCertificate} ${baseConfig ?? ''}`;
    if (setting !== this.setting) {
      this.setting = setting;
      this.known = new WeakMap();
      this.last = undefined;
    }
    const known = this.known.get(model);
    if (known !== undefined) return known;
    const texts = structureTexts(model, this.settings);
    const isSame = this.last !== undefined && areEqual(this.last.texts, texts);
    const generation = isSame && this.last ? this.last.generation : this.hashOf(model);
    this.last = { texts, generation };
    this.known.set(model, generation);
    return generation;
  }

  private hashOf(model: EdgeModel): string {
    const structure = renderStructure(model, this.settings);
    return createHash('sha256').update(structure).digest('hex').slice(0, 16);
  }

  markOf(model: EdgeModel): string {
    return generationMark(this.of(model));
  }
}

const areEqual = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, index) => text === right[index]);
