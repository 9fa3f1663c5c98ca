import {
  type EdgeModel,
  type EdgeSettings,
  renderConfig,
  renderHostsMap,
  toEdgeModel,
} from '#routing';
import type { BaseConfig } from './base-config.js';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { EdgeRefusedError } from './edge-refused.js';
import type { Generations } from './generations.js';
import { explainTooManyConnections } from './haproxy-capabilities.js';
import { validateConfig } from './validate-config.js';

const EMPTY_MODEL = toEdgeModel({ routes: [], conflicts: [] });

/** Asks HAProxy whether it would serve a model, on files of its own: those it would be restarted with stay as they are. */
export class ConfigCheck {
  constructor(
    private readonly options: {
      readonly files: Pick<EdgeFiles, 'config' | 'hostsMap'>;
      readonly settings: EdgeSettings;
      readonly generations: Generations;
      readonly binary: string;
      readonly base: Pick<BaseConfig, 'refuse'> | undefined;
      /** Of the process that would serve it. */
      readonly maxOpenFiles: () => number | undefined;
    },
  ) {}

  /**
   * Throws {@link EdgeRefusedError} when HAProxy refuses `model`. The base configuration is to blame, and given up, when it
   * is refused with `served` too.
   */
  async validate(model: EdgeModel, served: EdgeModel | undefined): Promise<void> {
    const reason = await this.explainRefusal(model);
    if (reason === undefined) return;
    const { base, settings } = this.options;
    const { baseConfig } = settings;
    if (baseConfig !== undefined && base !== undefined) {
      const ofBase = await this.explainRefusal(served ?? EMPTY_MODEL);
      if (ofBase !== undefined && base.refuse(baseConfig, ofBase)) {
        throw new EdgeRefusedError(`base configuration: ${ofBase}`);
      }
    }
    throw new EdgeRefusedError(reason);
  }

  /** What HAProxy says against a model; undefined: nothing. */
  async explainRefusal(model: EdgeModel): Promise<string | undefined> {
    const { files, settings, generations, binary, maxOpenFiles } = this.options;
    const candidate = `${files.config}.candidate`;
    const hostsMapFile = `${files.hostsMap}.candidate`;
    const text = renderConfig(model, { ...settings, hostsMapFile }, generations.of(model));
    const tooMany = explainTooManyConnections(text, maxOpenFiles());
    if (tooMany !== undefined) return tooMany;
    await replaceFile(hostsMapFile, renderHostsMap(model.hosts));
    await replaceFile(candidate, text);
    const verdict = await validateConfig(candidate, binary);
    return verdict.ok ? undefined : verdict.reason;
  }
}
