import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Gauge, Histogram } from 'prom-client';
import { metricsRegistry } from '#platform';
import { Durations } from '../engine/engine-counters.js';
import { MasterService } from '../master.service.js';

const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const NAMES = {
  stateReads: 'pacer_master_state_read_seconds',
  offerFilters: 'pacer_master_offer_filters',
  registryBytes: 'pacer_master_registry_bytes',
} as const;
const OK = 200;
const MS_PER_SECOND = 1_000;

/** A registry takes each name once; the newest master of a process has it. */
const registers = (name: string) => {
  metricsRegistry.removeSingleMetric(name);
  return [metricsRegistry];
};

/** What the master measures at its edge, and its figures on `/metrics`. */
@Injectable()
export class MasterMetrics {
  /** Milliseconds of each whole answer to a read of the state, the last thousand. */
  readonly stateReads = new Durations();
  private readonly histogram = new Histogram({
    name: NAMES.stateReads,
    help: 'Reads of /state and GET_STATE, from the request until the last byte is handed on',
    buckets: BUCKETS_SECONDS,
    registers: registers(NAMES.stateReads),
  });

  constructor(@Inject(MasterService) private readonly master: MasterService) {
    this.watchOfferFilters();
    this.watchRegistry();
  }

  /** From now until the answer is written. Not counted: what was not modified, refused, or broken off. */
  timeStateRead({ raw }: FastifyReply): void {
    const began = this.master.monoMs;
    raw.once('finish', () => {
      if (raw.statusCode !== OK) return;
      const ms = this.master.monoMs - began;
      this.stateReads.add(ms);
      this.histogram.observe(ms / MS_PER_SECOND);
    });
  }

  private watchOfferFilters(): void {
    const { master } = this;
    new Gauge({
      name: NAMES.offerFilters,
      help: 'Refusals of offers that are in force, by role',
      labelNames: ['role'],
      registers: registers(NAMES.offerFilters),
      collect() {
        this.reset();
        if (!master.isLeading) return;
        for (const [role, count] of master.state.allocator.activeFilters()) {
          this.set({ role }, count);
        }
      },
    });
  }

  private watchRegistry(): void {
    const { master } = this;
    new Gauge({
      name: NAMES.registryBytes,
      help: 'Bytes of the records in the registry, as JSON',
      registers: registers(NAMES.registryBytes),
      collect() {
        this.set(master.isLeading ? master.engine.registryBytes : 0);
      },
    });
  }
}
