import { isAbsolute } from 'node:path';
import { ConfigError, text } from '#platform';
import type { ForeignPaths } from './edge-files.js';
import { DEFAULT_BINARY } from './haproxy-command.js';

/** Which HAProxy the edge is made of, and what its configuration is built on. */
export interface HaproxyConfig {
  /** Program to ask and start; found by the PATH when it has no slash. */
  readonly binary: string;
  /** A HAProxy that somebody else runs; undefined: one of our own. */
  readonly foreign: ForeignPaths | undefined;
  /** The operator's haproxy.cfg; undefined: none. */
  readonly basePath: string | undefined;
}

/** The settings, as the environment gives them; '' where nothing is set. */
export const haproxySettings = {
  haproxyBinary: text('PACER_HAPROXY_BINARY', DEFAULT_BINARY),
  haproxyMasterSocket: text('PACER_HAPROXY_MASTER_SOCKET', ''),
  haproxyAdminSocket: text('PACER_HAPROXY_ADMIN_SOCKET', ''),
  haproxyConfig: text('PACER_HAPROXY_CONFIG', ''),
  haproxyBase: text('PACER_HAPROXY_BASE', ''),
};

type HaproxySettings = Readonly<Record<keyof typeof haproxySettings, string>>;

/** Throws {@link ConfigError} naming what does not go together. */
export function toHaproxyConfig(read: HaproxySettings): HaproxyConfig {
  const foreign = {
    PACER_HAPROXY_MASTER_SOCKET: read.haproxyMasterSocket,
    PACER_HAPROXY_ADMIN_SOCKET: read.haproxyAdminSocket,
    PACER_HAPROXY_CONFIG: read.haproxyConfig,
  };
  const paths = { ...foreign, PACER_HAPROXY_BASE: read.haproxyBase };
  for (const [variable, path] of Object.entries(paths)) {
    if (path === '' || (isAbsolute(path) && !/["\n\r\0]/.test(path))) continue;
    throw new ConfigError(`${variable}: ${JSON.stringify(path)} is not an absolute path`);
  }
  const missing = Object.entries(foreign).filter(([, path]) => path === '');
  if (missing.length > 0 && missing.length < Object.keys(foreign).length) {
    const names = missing.map(([variable]) => variable).join(', ');
    throw new ConfigError(
      `${names}: a HAProxy that runs already is given by all of its sockets and its file`,
    );
  }
  if (read.haproxyConfig !== '' && read.haproxyConfig === read.haproxyBase) {
    throw new ConfigError(
      `PACER_HAPROXY_BASE: ${JSON.stringify(read.haproxyBase)} is PACER_HAPROXY_CONFIG, which is written anew`,
    );
  }
  return {
    binary: read.haproxyBinary,
    foreign:
      missing.length > 0
        ? undefined
        : {
            masterSocket: read.haproxyMasterSocket,
            adminSocket: read.haproxyAdminSocket,
            config: read.haproxyConfig,
          },
    basePath: read.haproxyBase === '' ? undefined : read.haproxyBase,
  };
}
