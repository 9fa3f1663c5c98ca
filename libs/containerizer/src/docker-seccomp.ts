/** Which system calls a container may make. The engine takes a profile as its text, so the file is read here. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type DockerSpec, LaunchError } from '#core';
import type { ContainerConfig } from './docker-parameters.js';

/** Docker's own default profile has 13 KiB. */
const MAX_PROFILE_BYTES = 1024 * 1024;
const FILE_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

/** The configuration with what is asked for; a parameter `security-opt` that says something about it too goes before. */
export async function withSeccomp(
  config: ContainerConfig,
  seccomp: DockerSpec['seccomp'],
  directory: string | undefined,
): Promise<ContainerConfig> {
  const given: readonly string[] = config.HostConfig.SecurityOpt ?? [];
  if (seccomp === undefined || given.some((option) => option.startsWith('seccomp'))) return config;
  const profile =
    seccomp === 'unconfined' ? seccomp : await readProfile(seccomp.profile, directory);
  const SecurityOpt = [...given, `seccomp=${profile}`];
  return { ...config, HostConfig: { ...config.HostConfig, SecurityOpt } };
}

async function readProfile(name: string, directory: string | undefined): Promise<string> {
  if (directory === undefined) fail(name, 'this agent has no directory of profiles');
  if (!FILE_NAME.test(name)) fail(name, 'is no file name');
  const file = join(directory, name);
  try {
    const { size } = await stat(file);
    if (size > MAX_PROFILE_BYTES)
      fail(name, `has ${size} bytes, the limit is ${MAX_PROFILE_BYTES}`);
    return JSON.stringify(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (cause instanceof LaunchError) throw cause;
    return fail(name, `cannot be read from ${file}: ${(cause as Error).message}`);
  }
}

function fail(name: string, reason: string): never {
  throw new LaunchError('create', `seccomp profile "${name}": ${reason}`);
}
