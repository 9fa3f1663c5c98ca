import type { AppId } from '#core';
import type { CheckMonitor } from './check-monitor.js';
import type { CommitQueue } from './commit-queue.js';
import type { CommittedState } from './committed-state.js';
import type { EngineEffect } from './engine-effect.js';
import type { EngineMemory } from './engine-memory.js';
import type { EngineOptions, EnginePorts } from './engine-ports.js';
import type { HealthMonitor } from './health-monitor.js';
import type { KillQueue } from './kill-queue.js';
import type { OfferDemand } from './offer-demand.js';
import type { ReadinessMonitor } from './readiness-monitor.js';
import type { Reconciler } from './reconciler.js';

/** The parts of one engine, as its functions share them. */
export interface EngineContext {
  readonly ports: EnginePorts;
  readonly options: EngineOptions;
  readonly state: CommittedState;
  readonly memory: EngineMemory;
  readonly commits: CommitQueue;
  readonly health: HealthMonitor;
  readonly readiness: ReadinessMonitor;
  readonly checks: CheckMonitor;
  readonly kills: KillQueue;
  readonly demand: OfferDemand;
  readonly reconciler: Reconciler;
  /** Looks at these apps soon; many calls within a few milliseconds are one look. */
  readonly evaluateSoon: (apps: Iterable<AppId>) => void;
  /** Carries one effect out now. Never rejects. */
  readonly execute: (effect: EngineEffect) => Promise<void>;
  /** When every app is looked at next, monotonic ms. */
  readonly nextScaleCheck: { atMonoMs: number };
}
