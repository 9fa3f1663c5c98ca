import { renderSection, type SectionSpec } from 'haproxy-config-parser';
import { type EdgeMap, ORDERED_MAPS } from '../edge-maps.js';
import type { EdgeModel } from '../edge-model.js';
import type { EdgeServer } from '../edge-server.js';
import { TO_HTTPS_BACKEND } from '../host-rules.js';
import type { Route } from '../route-table.js';
import { backendLines, userlistSection } from './backend-section.js';
import type { EdgeSettings } from './edge-settings.js';
import { defaultsSection, EDGE_DEFAULTS, globalLines } from './head-sections.js';
import { hostFrontends, NO_ROUTE_BACKEND } from './host-frontends.js';
import { canConnectSockets, mergeIntoBase } from './merge-base.js';
import { portFrontend } from './port-frontend.js';
import { serverLine, serverOptions } from './server-options.js';

/** Marks which structure a running HAProxy was started with: the `description` of `show info`. */
export const generationMark = (generation: string): string => `pacer-generation-${generation}`;

/**
 * The whole haproxy.cfg. Byte-stable: equal models give equal text. `generation` names the structure (a hash of
 * {@link renderStructure}); it is shown by `show info`, which tells what a running worker was started with.
 * O(text); what has been written for a route before is not made again.
 */
export function renderConfig(model: EdgeModel, settings: EdgeSettings, generation: string): string {
  const backends = model.structure.routes.map((route) =>
    backendText(route, model.servers.get(route.backend)),
  );
  return compose(model, settings, { generation, backends });
}

/** The configuration without servers and generation: it changes exactly when a reload is needed. */
export const renderStructure = (model: EdgeModel, settings: EdgeSettings): string =>
  structureParts(model, settings).join('\n');

/**
 * {@link renderStructure} in parts. Those of routes that have not changed are the same strings as before, so that what is
 * derived from each can be remembered. O(routes).
 */
export const structureParts = (model: EdgeModel, settings: EdgeSettings): readonly string[] => [
  settings.baseConfig ?? '',
  renderSection({ kind: 'global', lines: globalLines(settings, generationMark('')) }),
  renderSection(defaultsSection),
  ...frontTexts(model, settings),
  ...model.structure.routes.map(structureText),
];

function compose(
  model: EdgeModel,
  settings: EdgeSettings,
  fill: { readonly generation: string; readonly backends: readonly string[] },
): string {
  const global = globalLines(settings, generationMark(fill.generation));
  const sections = [
    renderSection(defaultsSection),
    ...frontTexts(model, settings),
    ...fill.backends,
  ].join('\n');
  if (settings.baseConfig !== undefined) {
    return mergeIntoBase(settings.baseConfig, { global, sections });
  }
  return `${renderSection({ kind: 'global', lines: global })}\n${sections}`;
}

/** A map file: one `key value` per line, in the order of the map where that counts, else sorted. */
export function renderMap(map: EdgeMap, entries: ReadonlyMap<string, string>): string {
  const lines = [...entries].map(([key, value]) => `${key} ${value}\n`);
  return (ORDERED_MAPS.has(map) ? lines : lines.sort()).join('');
}

/** Routes and lists of servers are never changed, so the text of each is made once. */
const STRUCTURES = new WeakMap<Route, string>();
const BACKENDS = new WeakMap<Servers, { readonly route: Route; readonly text: string }>();
type Servers = ReadonlyMap<string, EdgeServer>;
const NO_SERVERS: Servers = new Map();

function structureText(route: Route): string {
  const known = STRUCTURES.get(route) ?? textOf(structureSection(route));
  STRUCTURES.set(route, known);
  return known;
}

function backendText(route: Route, servers: Servers = NO_SERVERS): string {
  const known = BACKENDS.get(servers);
  if (known?.route === route) return known.text;
  const text = textOf(backendSection(route, servers));
  if (servers !== NO_SERVERS) BACKENDS.set(servers, { route, text });
  return text;
}

const textOf = (section: SectionSpec): string => renderSection(withDefaults(section));

const withDefaults = (section: SectionSpec): SectionSpec =>
  section.kind === 'userlist' ? section : { ...section, from: EDGE_DEFAULTS };

function frontTexts(model: EdgeModel, settings: EdgeSettings): readonly string[] {
  const { routes } = model.structure;
  const memory = portTextsFor(settings);
  return [
    ...routes.flatMap(userlistSection).map(textOf),
    ...hostFrontends(model, settings).map(textOf),
    ...routes.flatMap((route) => {
      const known = memory.get(route) ?? portFrontend(route, settings).map(textOf);
      memory.set(route, known);
      return known;
    }),
    textOf(NO_ROUTE),
    textOf(TO_HTTPS),
  ];
}

type PortTexts = WeakMap<Route, readonly string[]>;
/** By what of the settings such a text depends on. */
const PORT_TEXTS = new Map<string, PortTexts>();
const MAX_SETTINGS = 8;

function portTextsFor(settings: EdgeSettings): PortTexts {
  const { bindAddresses, certificateDirectory } = settings;
  const key = JSON.stringify([bindAddresses, certificateDirectory, canConnectSockets(settings)]);
  const known = PORT_TEXTS.get(key) ?? new WeakMap();
  if (PORT_TEXTS.size >= MAX_SETTINGS && !PORT_TEXTS.has(key)) PORT_TEXTS.clear();
  PORT_TEXTS.set(key, known);
  return known;
}

const NO_ROUTE: SectionSpec = {
  kind: 'backend',
  name: NO_ROUTE_BACKEND,
  lines: [
    [
      'http-request',
      'return',
      'status',
      '503',
      'content-type',
      'text/plain',
      'string',
      'No route: no running app is published under this host name.\n',
    ],
  ],
};

const TO_HTTPS: SectionSpec = {
  kind: 'backend',
  name: TO_HTTPS_BACKEND,
  lines: [
    // By the name in its hello it ended here: asking anew over TLS would not lead elsewhere (RFC 9110, 15.5.20).
    [
      ...['http-request', 'return', 'status', '421', 'content-type', 'text/plain', 'string'],
      'Misdirected: this connection is not for this host name.\n',
      ...['if', '{', 'var(txn.edge_scheme)', '-m', 'str', 'https', '}'],
    ],
    ['http-request', 'redirect', 'scheme', 'https', 'code', '301'],
  ],
};

function backendSection(route: Route, servers: Servers): SectionSpec {
  const options = serverOptions(route);
  const lines = [...servers.values()].map((server) => serverLine(server, options));
  return { kind: 'backend', name: route.backend, lines: [...backendLines(route), ...lines] };
}

/** Its servers' options count, its servers do not. */
const structureSection = (route: Route): SectionSpec => {
  const options = serverOptions(route);
  const lines = backendLines(route);
  return {
    kind: 'backend',
    name: route.backend,
    lines: options.length === 0 ? lines : [...lines, ['server', ...options]],
  };
};
