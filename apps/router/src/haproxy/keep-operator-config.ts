import { readFile } from 'node:fs/promises';
import { generationMark } from '#routing';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { parseDescription } from './read-state.js';

/** Keeps what a HAProxy that is not ours has before it gets our configuration: it goes back to it if that fails. */
export async function keepOperatorConfig(
  files: Pick<EdgeFiles, 'config' | 'lastGoodConfig' | 'operatorConfig'>,
): Promise<void> {
  const text = await readFile(files.config, 'utf8').catch(() => '');
  if (text === '' || parseDescription(text)?.startsWith(generationMark('')) === true) return;
  await replaceFile(files.operatorConfig, text);
  await replaceFile(files.lastGoodConfig, text);
}
