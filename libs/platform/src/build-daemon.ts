import 'reflect-metadata';
import type { Server } from 'node:http';
import { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AcceptedCredentials } from './accepted-credentials.js';
import { openAgentTokens } from './agent-tokens.js';
import { ApiExceptionFilter } from './api-exception.filter.js';
import { BODY_LIMIT_BYTES } from './body-limit.js';
import type { Daemon, DaemonOptions } from './daemon.js';
import { toErrorReply } from './error-reply.js';
import { startLoginMetrics } from './failed-logins.js';
import { acceptJsonBodies } from './json-body.js';
import { createLogger, toNestLogger } from './logger.js';
import { metricsRegistry, startDefaultMetrics } from './metrics.js';
import { serveOpenApi } from './open-api.js';
import { answerPing } from './ping.js';
import { rememberIdentity } from './principal.js';
import { list, readConfig, toggle } from './read-config.js';
import { checkExposure, createRequestGuard, type Exposure } from './request-guard.js';
import { RouteTable } from './route-table.js';
import { clientCertificateOf } from './tls/client-certificate.js';
import { logFailedHandshakes } from './tls/failed-handshakes.js';
import { processTls } from './tls/process-tls.js';
import type { TlsFiles } from './tls/tls-files.js';
import { acceptUpgrades, UpgradableRequest } from './upgrades.js';

/** Time for requests under way to finish once the shutdown hooks have run. */
const DRAIN_MS = 2_000;
/** Connections that may wait to be accepted, as far as the kernel allows: after a fail-over all agents come at once. */
const LISTEN_BACKLOG = 8_192;
/** App ids are paths and may be long. */
const MAX_PARAM_LENGTH = 4_096;

/** See `createDaemon`. Loads Nest and Fastify, so it is itself loaded only when a daemon is made. */
export async function buildDaemon(options: DaemonOptions): Promise<Daemon> {
  const logger = options.logger ?? createLogger(options.name);
  const log = (level: 'info' | 'warn', message: string) => logger[level](message);
  const tls = options.tls ?? processTls(log);
  const agentTokens = openAgentTokens(log);
  const accepted = new AcceptedCredentials(log);
  const exposure: Exposure = {
    ...readExposure(),
    ...securityOf(tls),
    agentTokens,
    host: options.host,
    get credentials() {
      return accepted.current;
    },
  };
  checkExposure(exposure);
  const routes = new RouteTable();
  const adapter = createAdapter({ exposure, routes, tls }, options);
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    logger: toNestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ApiExceptionFilter(logger, routes));
  serveOperations(app, options);
  await options.configure?.(app);
  showSomethingAtRoot(app);
  const server = app.getHttpServer();
  answerTogether(server);
  await app.listen({ port: options.port, host: options.host, backlog: LISTEN_BACKLOG });
  server.keepAliveTimeout = 0;
  server.timeout = 0;
  if (server instanceof SecureServer) {
    tls?.serve(server);
    logFailedHandshakes(server, log);
  }
  server.once('close', () => {
    agentTokens?.close();
    accepted.close();
  });
  const { port } = server.address() as AddressInfo;
  const scheme = exposure.isSecure === true ? 'https' : 'http';
  const url = `${scheme}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const close = () => app.close();
  return { app, logger, host: options.host, port, url, routes: routes.all, close };
}

function readExposure(): Omit<Exposure, 'host' | 'credentials'> {
  return readConfig({
    allowedHosts: list('PACER_ALLOWED_HOSTS', []),
    allowOpenBind: toggle('PACER_ALLOW_OPEN_BIND', false),
    allowPlainBind: toggle('PACER_ALLOW_PLAIN_BIND', false),
  });
}

const securityOf = (
  tls: TlsFiles | undefined,
): Pick<Exposure, 'isSecure' | 'clientCertificates'> =>
  tls === undefined
    ? {}
    : {
        isSecure: tls.serverOptions !== undefined,
        clientCertificates: tls.settings.clientCertificates,
      };

interface AdapterParts {
  readonly exposure: Exposure;
  readonly routes: RouteTable;
  readonly tls: TlsFiles | undefined;
}

/** Idle connections are kept for ever: real clients hold one and never retry on it (Mesos' own behaviour). */
function createAdapter(
  { exposure, routes, tls }: AdapterParts,
  { access, acceptsUpgrades }: Pick<DaemonOptions, 'access' | 'acceptsUpgrades'>,
): FastifyAdapter {
  const secure = tls?.serverOptions;
  const requests = acceptsUpgrades === true ? { IncomingMessage: UpgradableRequest } : {};
  const adapter = new FastifyAdapter({
    ...(secure === undefined ? { http: requests } : { https: { ...secure, ...requests } }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 0,
    connectionTimeout: 0,
    // Of addresses that cannot be decoded.
    frameworkErrors: refuse,
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: MAX_PARAM_LENGTH,
    },
  });
  const server = adapter.getInstance();
  const guard = createRequestGuard(exposure, access);
  acceptJsonBodies(server, BODY_LIMIT_BYTES);
  server.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()));
  server.addHook('onRequest', (request, reply, done) => {
    try {
      const { method, url, headers } = request;
      const route = request.routeOptions.url;
      const certificate = clientCertificateOf(request.raw.socket);
      rememberIdentity(request.raw, guard({ method, url, route, headers, certificate }));
      done();
    } catch (error) {
      refuse(error, request, reply);
    }
  });
  const cutUpgraded = acceptsUpgrades
    ? acceptUpgrades(server.server, (request, response) => server.routing(request, response))
    : () => undefined;
  server.addHook('preClose', (done) => {
    setTimeout(() => {
      server.server.closeAllConnections();
      cutUpgraded();
    }, DRAIN_MS).unref();
    done();
  });
  return adapter;
}

/** Answers what no route was looked for. */
function refuse(error: unknown, { method, url }: FastifyRequest, reply: FastifyReply): void {
  const answer = toErrorReply(error, { method, url, allowed: [] });
  void reply.code(answer.status).headers(answer.headers).send(answer.body);
}

/** The answers to requests that came in one packet (HTTP pipelining) leave in one: each write costs a system call. */
function answerTogether(server: Server): void {
  const corked = new Set<Socket>();
  server.prependListener('request', ({ socket }: { readonly socket: Socket }) => {
    if (corked.has(socket)) return;
    corked.add(socket);
    socket.cork();
    setImmediate(() => {
      corked.delete(socket);
      socket.uncork();
    });
  });
}

/** Who opens the address of a daemon in a browser gets its documentation, unless it has pages of its own. */
function showSomethingAtRoot(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  if (server.hasRoute({ method: 'GET', url: '/' })) return;
  server.get('/', (_request, reply) => reply.redirect('/docs', 302));
}

function serveOperations(app: NestFastifyApplication, options: DaemonOptions): void {
  startDefaultMetrics();
  const server = app.getHttpAdapter().getInstance();
  startLoginMetrics();
  server.get('/ping', answerPing);
  server.get('/metrics', async (_request, reply) =>
    reply.type(metricsRegistry.contentType).send(await metricsRegistry.metrics()),
  );
  serveOpenApi(app, {
    title: `Pacer ${options.name}`,
    description: options.description ?? '',
    version: options.version ?? '1',
  });
}
