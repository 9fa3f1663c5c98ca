import { collectDefaultMetrics, Registry } from 'prom-client';

/** The metrics of this process, served on `/metrics`. Register further ones with `registers: [metricsRegistry]`. */
export const metricsRegistry = new Registry();

/** Adds the metrics of Node itself (memory, event loop, garbage collection). Harmless when called again. */
export function startDefaultMetrics(): void {
  if (metricsRegistry.getSingleMetric('process_cpu_seconds_total') !== undefined) return;
  collectDefaultMetrics({ register: metricsRegistry });
}
