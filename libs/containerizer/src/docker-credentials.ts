/** Registry credentials as `docker login` stores them, looked for in the sandbox (fetched) and in the agent's home. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

const DEFAULT_REGISTRY = 'https://index.docker.io/v1/';
const MAX_FILE_CHARACTERS = 1024 * 1024;

/** The registry part of an image name; images without one come from Docker Hub. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost && first !== 'docker.io' ? first : DEFAULT_REGISTRY;
}

/** Undefined when none are stored. Credential helpers are not asked. */
export async function findCredentials(
  image: string,
  sandbox: string,
): Promise<RegistryCredentials | undefined> {
  const registry = registryOf(image);
  for (const directory of [sandbox, homedir()]) {
    for (const file of ['.docker/config.json', '.dockercfg']) {
      const found = await readCredentials(join(directory, file), registry);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function readCredentials(
  file: string,
  registry: string,
): Promise<RegistryCredentials | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '' || text.length > MAX_FILE_CHARACTERS) return undefined;
  return parseCredentials(text, registry);
}

/** Understands both formats: `{"auths": {...}}` and the older bare map. */
export function parseCredentials(text: string, registry: string): RegistryCredentials | undefined {
  const file = parseObject(text);
  const entries = asObject(file['auths']) ?? file;
  for (const [name, value] of Object.entries(entries)) {
    if (hostOf(name) !== hostOf(registry)) continue;
    const auth = asObject(value)?.['auth'];
    if (typeof auth !== 'string') continue;
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const at = decoded.indexOf(':');
    if (at < 0) continue;
    const password = decoded.slice(at + 1).replace(/\0+$/, '');
    return { username: decoded.slice(0, at), password, serveraddress: registry };
  }
  return undefined;
}

function hostOf(registry: string): string {
  return registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text)) ?? {};
  } catch {
    // A broken file holds no credentials; the registry's own refusal then says what is missing.
    return {};
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
