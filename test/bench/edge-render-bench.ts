import { fork } from 'node:child_process';
import type { FleetSize } from './edge-fleet.js';
import type { RenderResult } from './edge-render.js';
import { describeLoadAverage, type PrintRow } from './edge-rig.js';
import { formatMs, median, percentile } from './statistics.js';

/** What writing and reading the configuration costs, HAProxy apart. */

const SIZES = [
  { apps: 1_000, instances: 10, hasServicePorts: false },
  { apps: 1_000, instances: 10, hasServicePorts: true },
  { apps: 5_000, instances: 2, hasServicePorts: false },
] as const;

export async function benchEdgeRender(row: PrintRow): Promise<void> {
  for (const size of SIZES) {
    const result = await measureRender(size);
    const { apps, instances, hasServicePorts } = size;
    const what = `${apps.toLocaleString('en')} apps x ${instances}${hasServicePorts ? ' with a service port each' : ''}`;
    const load = describeLoadAverage();
    const bytes = `${(result.configBytes / 1e6).toFixed(2)} MB`;
    row(
      'edge: the whole configuration from apps with labels',
      `${describe(result.wholeMs)}; RSS +${result.rssGrowthMib.toFixed(0)} MiB`,
      `${what}, ${result.servers.toLocaleString('en')} servers, ${bytes}; ${result.wholeMs.length} times, nothing remembered; RSS after the first 5; ${load}; goal: 150 ms, 200 MB`,
    );
    row(
      'edge: one changed endpoint',
      `p50 ${formatMs(median(result.incrementMs))}, p99 ${formatMs(percentile(result.incrementMs, 0.99))}; with the file's text p50 ${formatMs(median(result.incrementTextMs))}, p99 ${formatMs(percentile(result.incrementTextMs, 0.99))}`,
      `${what}; routes, model, mark of the structure and commands; ${result.incrementMs.length} times; ${load}; goal: 5 ms`,
    );
    row(
      'edge: parse and print that file',
      `parse ${describe(result.parseMs)}, print ${describe(result.printMs)}, ${result.isIdentical ? 'byte-identical' : 'NOT IDENTICAL'}`,
      `${what}, ${bytes}; ${result.parseMs.length} times; ${load}; goal: 150 ms together`,
    );
  }
}

const describe = (samplesMs: readonly number[]): string =>
  `${formatMs(median(samplesMs))} (${formatMs(Math.min(...samplesMs))} to ${formatMs(Math.max(...samplesMs))})`;

function measureRender(size: FleetSize): Promise<RenderResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./edge-render.js', import.meta.url), { stdio: 'inherit' });
    child.once('message', (result) => resolve(result as RenderResult));
    child.once('exit', (code) => reject(new Error(`the rendering ended with ${code}`)));
    child.send(size);
  });
}
