import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AccessRule } from './access.js';
import type { Logger } from './logger.js';
import type { TlsFiles } from './tls/tls-files.js';

export interface DaemonOptions {
  /** `controller`, `master`, `agent`, `router`: the name in logs and documentation. */
  readonly name: string;
  readonly module: Type<unknown> | DynamicModule;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Shown in the API's description. */
  readonly description?: string;
  readonly version?: string;
  /** Called before routes are made: static files, further body parsers, pipes, raw Fastify routes. */
  readonly configure?: (app: NestFastifyApplication) => void | Promise<void>;
  readonly logger?: Logger;
  /** Who may make which request where credentials are asked for; operators only unless told otherwise. */
  readonly access?: AccessRule;
  /** Certificate and key to serve with; those of the process (`PACER_TLS_CERT_FILE` and so on) unless told otherwise. */
  readonly tls?: TlsFiles;
  /** WebSocket requests reach the handler of their GET route, which calls `takeUpgrade`; else they are plain requests. */
  readonly acceptsUpgrades?: boolean;
}

export interface Daemon {
  readonly app: NestFastifyApplication;
  readonly logger: Logger;
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** `http://host:port`, https with TLS. */
  readonly url: string;
  /** Every route it answers, as Fastify spells it; for checking that access to each is decided. */
  readonly routes: readonly { readonly path: string; readonly methods: readonly string[] }[];
  /** Runs the modules' shutdown hooks and stops listening. Connections still open after 2 s are cut. */
  close(): Promise<void>;
}
