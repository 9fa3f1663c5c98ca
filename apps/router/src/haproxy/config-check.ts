import { SerialQueue } from '#platform';
import {
  bindAddressesOf,
  EDGE_MAPS,
  type EdgeModel,
  type EdgeSettings,
  renderConfig,
  toEdgeModel,
} from '#routing';
import type { BaseConfig } from './base-config.js';
import { type EdgeFiles, readListenAddresses, replaceFile, writeMaps } from './edge-files.js';
import { EdgeRefusedError } from './edge-refused.js';
import type { EdgeVersion } from './edge-version.js';
import type { Generations } from './generations.js';
import { explainTooManyConnections } from './haproxy-capabilities.js';
import type { OffenderCheck } from './isolate-offenders.js';
import { explainUnbindable } from './probe-bind.js';
import { validateConfig } from './validate-config.js';

const EMPTY_MODEL = toEdgeModel({ routes: [], conflicts: [] });

/** Ends the names of files that are only checked. */
const CANDIDATE = '.candidate';
/** So many bind lines are named at once. */
const MAX_UNBINDABLE = 50;

/** Asks HAProxy whether it would serve a model, on files of its own: those it would be restarted with stay as they are. */
export class ConfigCheck {
  /** The candidate files are one set: whoever asks waits for the one before. */
  private readonly turns = new SerialQueue({ name: 'configuration checks', limit: 8 });
  private isStopped = false;

  constructor(
    private readonly options: {
      readonly files: Pick<EdgeFiles, 'config' | 'maps'>;
      readonly generations: Generations;
      readonly binary: string;
      readonly base: Pick<BaseConfig, 'refuse'> | undefined;
      /** Of the process that would serve it. */
      readonly maxOpenFiles: () => number | undefined;
      /** Whether HAProxy runs as this user: what it may listen on is then known here. */
      readonly isOurs: () => boolean;
    },
  ) {}

  /**
   * Throws {@link EdgeRefusedError} when HAProxy refuses `version`. The base configuration is to blame, and given up, when it
   * is refused with `served` too.
   */
  async validate(version: EdgeVersion, served: EdgeModel | undefined): Promise<void> {
    const reason = await this.explainRefusal(version);
    if (reason === undefined) return;
    const { base } = this.options;
    const { settings } = version;
    const { baseConfig } = settings;
    if (baseConfig !== undefined && base !== undefined) {
      const ofBase = await this.explainRefusal({ settings, model: served ?? EMPTY_MODEL });
      if (ofBase !== undefined && base.refuse(baseConfig, ofBase)) {
        throw new EdgeRefusedError(`base configuration: ${ofBase}`, 'base');
      }
    }
    throw new EdgeRefusedError(reason, 'check');
  }

  /** What HAProxy says against a version, or would when it starts with it; undefined: nothing. */
  explainRefusal(version: EdgeVersion): Promise<string | undefined> {
    return this.turns.run(() => {
      if (this.isStopped) throw new Error('the router stops');
      return this.ask(version);
    });
  }

  /** The text that is judged. */
  textOf({ model, settings }: EdgeVersion): string {
    return renderConfig(
      model,
      this.onCandidates(settings),
      this.options.generations.of(model, settings),
    );
  }

  /** The check of models with these settings, whatever becomes of those meanwhile. */
  of(settings: EdgeSettings): OffenderCheck {
    return {
      explainRefusal: (model) => this.explainRefusal({ model, settings }),
      textOf: (model) => this.textOf({ model, settings }),
    };
  }

  /** What waits to be asked is not asked any more. */
  stop(): void {
    this.isStopped = true;
  }

  private async ask(version: EdgeVersion): Promise<string | undefined> {
    const { files, binary, maxOpenFiles } = this.options;
    const candidate = files.config + CANDIDATE;
    const text = this.textOf(version);
    const tooMany = explainTooManyConnections(text, maxOpenFiles());
    if (tooMany !== undefined) return tooMany;
    await writeMaps(files, version.model.maps, CANDIDATE);
    await replaceFile(candidate, text, { isDurable: false });
    const verdict = await validateConfig(candidate, binary);
    return verdict.ok ? this.explainListeners(text) : verdict.reason;
  }

  /** `haproxy -c` does not listen; said in its words, with the lines. The listeners of the running HAProxy are its own. */
  private async explainListeners(text: string): Promise<string | undefined> {
    const { files, isOurs } = this.options;
    if (!isOurs()) return undefined;
    const held = await readListenAddresses(files);
    const refusals: string[] = [];
    for (const bind of bindAddressesOf(text)) {
      if (refusals.length >= MAX_UNBINDABLE) break;
      const reason = await explainUnbindable(bind, held);
      if (reason === undefined) continue;
      refusals.push(
        `[ALERT] config : parsing [${files.config}${CANDIDATE}:${bind.line}] : ${reason}`,
      );
    }
    return refusals.length === 0 ? undefined : refusals.join('\n');
  }

  private onCandidates(settings: EdgeSettings): EdgeSettings {
    const { files } = this.options;
    const mapFiles = Object.fromEntries(
      EDGE_MAPS.map((map) => [map, files.maps[map] + CANDIDATE]),
    ) as unknown as EdgeSettings['mapFiles'];
    return { ...settings, mapFiles };
  }
}
