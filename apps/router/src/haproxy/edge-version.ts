import { type EdgeContents, type EdgeModel, type EdgeSettings, renderConfig } from '#routing';
import { type EdgeFiles, replaceFile, writeMaps } from './edge-files.js';

/** A model with the settings it is written with: what is live in those is read once, so that one reload is made of one reading. */
export interface EdgeVersion {
  readonly model: EdgeModel;
  readonly settings: EdgeSettings;
}

/** `settings` as they are now. */
export const versionNow = (model: EdgeModel, settings: EdgeSettings): EdgeVersion => ({
  model,
  settings: { ...settings },
});

/** A version with other servers and hosts. */
export const withContents = (
  { model, settings }: EdgeVersion,
  contents: EdgeContents,
): EdgeVersion => {
  const servers = new Map([...model.servers, ...contents.servers]);
  return { model: { ...model, servers, maps: contents.maps }, settings };
};

/** Writes what HAProxy starts with. Resolves with the text of its configuration. */
export async function writeVersion(
  { model, settings }: EdgeVersion,
  files: Pick<EdgeFiles, 'config' | 'maps'>,
  /** Of its structure. */
  generation: string,
): Promise<string> {
  const text = renderConfig(model, settings, generation);
  await writeMaps(files, model.maps);
  await replaceFile(files.config, text);
  return text;
}
