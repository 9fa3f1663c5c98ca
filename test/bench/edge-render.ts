import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse, print } from 'haproxy-config-parser';
import type { WireApp } from '#marathon-v2';
import {
  type AppRoutes,
  buildRoutes,
  type EdgeModel,
  type EdgeSettings,
  planEdgeUpdate,
  type RoutingOptions,
  renderConfig,
  toEdgeModel,
} from '#routing';
import { Generations } from '../../apps/router/src/haproxy/generations.js';
import { NONE_OCCUPIED } from '../../apps/router/src/sync/occupied-ports.js';
import { WantedEdge } from '../../apps/router/src/sync/wanted-edge.js';
import { sampleSettings } from '../support/edge-samples.js';
import { benchFleet, benchTask, type FleetSize } from './edge-fleet.js';

/** The library alone, in a process of its own so that memory is its own: `fork`, a size, one result. */
export interface RenderResult {
  readonly configBytes: number;
  readonly servers: number;
  /** Routes, model and text of a fleet that was never seen before. */
  readonly wholeMs: readonly number[];
  /** What one changed endpoint costs until its commands are known. */
  readonly incrementMs: readonly number[];
  /** The same, and the text of the file. */
  readonly incrementTextMs: readonly number[];
  readonly parseMs: readonly number[];
  readonly printMs: readonly number[];
  readonly isIdentical: boolean;
  /** Resident memory with five whole renderings after another, less before them. */
  readonly rssGrowthMib: number;
}

const WHOLE_ROUNDS = 15;
const INCREMENTS = 500;
const PARSE_ROUNDS = 15;
const PORT = 31_000;
const settings: EdgeSettings = sampleSettings;

function optionsWith(memory: WeakMap<WireApp, AppRoutes>): RoutingOptions {
  return {
    groups: ['*'],
    reservedPorts: new Set(),
    occupiedPorts: new Set(),
    lastKnownHealth: new Map(),
    memory,
  } as RoutingOptions;
}

interface Rendered {
  readonly model: EdgeModel;
  readonly text: string;
}

function renderWhole(apps: readonly WireApp[], memory: WeakMap<WireApp, AppRoutes>): Rendered {
  const model = toEdgeModel(buildRoutes(apps, optionsWith(memory)));
  return { model, text: renderConfig(model, settings, new Generations().of(model, settings)) };
}

const elapsed = (work: () => void): number => {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
};

function measureIncrements(size: FleetSize): Pick<RenderResult, 'incrementMs' | 'incrementTextMs'> {
  let apps = benchFleet(size, PORT);
  const { groups, reservedPorts } = optionsWith(new WeakMap());
  const rules = { groups, reservedPorts };
  const wanted = new WantedEdge({ list: () => apps, lastKnownHealth: new Map() }, () => rules);
  let { model } = wanted.build(NONE_OCCUPIED);
  const generations = new Generations();
  renderConfig(model, settings, generations.of(model, settings));
  const incrementMs: number[] = [];
  const incrementTextMs: number[] = [];
  for (let round = 0; round < INCREMENTS; round += 1) {
    const at = (round * 7) % apps.length;
    const host = `127.90.${(round >> 8) & 255}.${round & 255}`;
    apps = apps.map((app, index) =>
      index === at
        ? {
            ...app,
            tasks: [benchTask(app.id, { host, port: PORT }), ...(app.tasks ?? []).slice(1)],
          }
        : app,
    );
    const startedMs = performance.now();
    const { model: next } = wanted.build(NONE_OCCUPIED);
    const generation = generations.of(next, settings);
    const commands = planEdgeUpdate(model, next);
    incrementMs.push(performance.now() - startedMs);
    renderConfig(next, settings, generation);
    incrementTextMs.push(performance.now() - startedMs);
    if (commands.length !== 3) throw new Error(`${commands.length} commands for one endpoint`);
    model = next;
  }
  return { incrementMs, incrementTextMs };
}

function measure(size: FleetSize): RenderResult {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const wholeMs: number[] = [];
  const fleet = benchFleet(size, PORT);
  collect();
  const before = process.memoryUsage().rss;
  let rendered = renderWhole(fleet, new WeakMap());
  for (let round = 0; round < 4; round += 1) rendered = renderWhole([...fleet], new WeakMap());
  const rssGrowthMib = (process.memoryUsage().rss - before) / 2 ** 20;
  for (let round = 0; round < WHOLE_ROUNDS; round += 1) {
    const apps = benchFleet(size, PORT);
    wholeMs.push(
      elapsed(() => {
        rendered = renderWhole(apps, new WeakMap());
      }),
    );
  }
  const { text, model } = rendered;
  const parseMs: number[] = [];
  const printMs: number[] = [];
  let isIdentical = true;
  for (let round = 0; round < PARSE_ROUNDS; round += 1) {
    let document = parse('');
    parseMs.push(
      elapsed(() => {
        document = parse(text);
      }),
    );
    let printed = '';
    printMs.push(
      elapsed(() => {
        printed = print(document);
      }),
    );
    isIdentical &&= printed === text;
  }
  return {
    configBytes: Buffer.byteLength(text),
    servers: [...model.servers.values()].reduce((sum, servers) => sum + servers.size, 0),
    ...{ wholeMs, parseMs, printMs, isIdentical, rssGrowthMib },
    ...measureIncrements(size),
  };
}

process.on('message', (size: FleetSize) => {
  process.send?.(measure(size), () => process.exit(0));
});
