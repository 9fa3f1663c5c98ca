import {
  type AppId,
  type Deployment,
  type DeploymentId,
  type Instance,
  isDormant,
  isTerminalCondition,
  type RootGroup,
} from '#core';
import {
  type BlockerSearch,
  blockerSearch,
  type DependencyGraph,
  type DependencyState,
  dependencyGraph,
  describeDependency,
  isDeparture,
  isServing,
  MAX_BLOCKERS,
  plannedActions,
} from '#deployment';
import type { Sight } from './dependency-watches.js';
import { findDeployment } from './deployment-targets.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { toFacts } from './instance-facts.js';

/** Why an app's turn in its deployment has not come. Nothing in it: it has. */
export interface Hold {
  readonly reasons: readonly string[];
  readonly sights: readonly Sight[];
}

const NO_HOLD: Hold = { reasons: [], sights: [] };

/** A root never changes: what follows from one is made once. */
const graphs = new WeakMap<RootGroup, DependencyGraph>();

/**
 * One look at what apps have to wait for before a deployment may act on them:
 *
 * - what is started, scaled up or renewed, for what the deployment stops, and until all that it depends on, directly or
 *   through others, is where it should be (see `DependencyState`); a forced deployment, as a rollback is, only for its own;
 * - what is scaled down or stopped, for what depends on it and is itself scaled down or stopped by the deployment.
 *
 * The first follows edges of the current root, the second those of the root before, from what goes to what goes: neither
 * can close a circle. It remembers what it saw, so it is good for one moment.
 */
export class DependencyLook {
  private readonly needs = new Map<DeploymentId | 'any', BlockerSearch>();
  private readonly departures = new Map<DeploymentId, BlockerSearch>();
  private readonly words = new Map<AppId, string | undefined>();

  constructor(
    private readonly context: EngineContext,
    private readonly draft: Draft,
  ) {}

  /** What keeps a deployment from beginning to act on an app of its plan. */
  holdOf(deployment: Deployment, id: AppId): Hold {
    const planned = plannedActions(deployment).get(id);
    if (planned === undefined) return NO_HOLD;
    const memory = this.context.memory.deployments.get(deployment.id);
    if (isDeparture(planned.action, memory?.originals.get(id))) {
      return this.departureHold(deployment, id);
    }
    const stops = this.unfinishedStops(deployment);
    if (stops.length > 0)
      return { reasons: [`${stops.join(', ')} has to be stopped first`], sights: [] };
    return this.needsHold(deployment, id);
  }

  /** What apps of a plan that nobody carries out would have to wait for, beyond the plan. */
  foresee(plan: Pick<Deployment, 'steps'>, apps: readonly AppId[]): readonly string[] {
    const own = plannedActions(plan);
    const search = blockerSearch(
      this.graph(),
      (app) => !own.has(app) && this.wordsOf(app) !== undefined,
    );
    return apps.flatMap((id) =>
      search(id).map((app) => `${id} would wait: ${dependsOn(app, this.wordsOf(app))}`),
    );
  }

  /** How something that is waited for stands; undefined: it is not in the way. */
  see({ app, isLeaving }: Pick<Sight, 'app' | 'isLeaving'>): string | undefined {
    if (!isLeaving) return this.wordsOf(app);
    const deployment = findDeployment(this.draft, app);
    return deployment !== undefined && this.isStillHere(deployment, app) ? 'is there' : undefined;
  }

  private needsHold(deployment: Deployment, id: AppId): Hold {
    const blockers = this.needsSearch(deployment)(id);
    return {
      reasons: blockers.map((app) => {
        const state = this.stateOf(app);
        const isSame = state?.kind === 'in-deployment' && state.deployment === deployment.id;
        return dependsOn(
          app,
          isSame ? describeDependency({ ...state, isSame }) : this.wordsOf(app),
        );
      }),
      sights: blockers.map((app) => ({ app, isLeaving: false, seen: this.wordsOf(app) })),
    };
  }

  private departureHold(deployment: Deployment, id: AppId): Hold {
    const graph = this.context.memory.deployments.get(deployment.id)?.dependents;
    if (graph === undefined) return NO_HOLD;
    const search =
      this.departures.get(deployment.id) ??
      blockerSearch(graph, (app) => this.isStillHere(deployment, app));
    this.departures.set(deployment.id, search);
    const blockers = search(id);
    return {
      reasons: blockers.map((app) => `${app} depends on it and goes first`),
      sights: blockers.map((app) => ({ app, isLeaving: true, seen: 'is there' })),
    };
  }

  private needsSearch(deployment: Deployment): BlockerSearch {
    const { id, isForced: isAlone = false } = deployment;
    const key = isAlone ? id : 'any';
    const known = this.needs.get(key);
    if (known !== undefined) return known;
    const search = blockerSearch(this.graph(), (app) => {
      if (this.wordsOf(app) === undefined) return false;
      if (!isAlone) return true;
      const state = this.stateOf(app);
      return state?.kind === 'in-deployment' && state.deployment === id;
    });
    this.needs.set(key, search);
    return search;
  }

  private graph(): DependencyGraph {
    const { root } = this.draft;
    const known = graphs.get(root) ?? dependencyGraph(root);
    graphs.set(root, known);
    return known;
  }

  private wordsOf(app: AppId): string | undefined {
    if (!this.words.has(app)) {
      const state = this.stateOf(app);
      this.words.set(app, state && describeDependency(state));
    }
    return this.words.get(app);
  }

  /** Undefined: it is not declared, so nobody can depend on it. */
  private stateOf(id: AppId): DependencyState | undefined {
    const app = this.draft.root.apps.get(id);
    if (app === undefined) return undefined;
    const deployment = findDeployment(this.draft, id);
    if (deployment !== undefined && this.isBeingBuilt(deployment, id)) {
      return { kind: 'in-deployment', deployment: deployment.id, isSame: false };
    }
    const job = app.workload === 'job' ? this.draft.job(id) : undefined;
    const isSameRun = job?.run === app.versionInfo.lastConfigChangeAt;
    return {
      kind: 'settled',
      app,
      ...this.countServing(id),
      ...(job !== undefined && isSameRun ? { job } : {}),
    };
  }

  private isBeingBuilt(deployment: Deployment, id: AppId): boolean {
    const planned = plannedActions(deployment).get(id);
    const memory = this.context.memory.deployments.get(deployment.id);
    if (planned === undefined || planned.step < deployment.currentStep) return false;
    if (memory?.finished.has(id) === true) return false;
    return !isDeparture(planned.action, memory?.originals.get(id));
  }

  private countServing(id: AppId): { readonly present: number; readonly serves: boolean } {
    let present = 0;
    for (const instance of this.draft.instancesOf(id).values()) {
      if (!isPresent(instance)) continue;
      present += 1;
      if (instance.condition !== 'Running') continue;
      const about = { routers: 'unknown', needsReadiness: false } as const;
      if (isServing(toFacts(this.context, this.draft, instance, about))) {
        return { present, serves: true };
      }
    }
    return { present, serves: false };
  }

  /** The deployment takes it away, wholly or in part, and that is not done. */
  private isStillHere(deployment: Deployment, id: AppId): boolean {
    const planned = plannedActions(deployment).get(id);
    const memory = this.context.memory.deployments.get(deployment.id);
    if (planned === undefined || planned.step < deployment.currentStep) return false;
    if (memory === undefined || memory.finished.has(id)) return false;
    const { action } = planned;
    if (!isDeparture(action, memory.originals.get(id))) return false;
    const left = action.kind === 'ScaleApplication' ? action.scaleTo : 0;
    let present = 0;
    for (const instance of this.draft.instancesOf(id).values()) {
      if (isPresent(instance)) present += 1;
    }
    return present > left;
  }

  private unfinishedStops(deployment: Deployment): readonly AppId[] {
    const finished = this.context.memory.deployments.get(deployment.id)?.finished;
    const stops: AppId[] = [];
    for (const { action, step } of plannedActions(deployment).values()) {
      if (step < deployment.currentStep || action.kind !== 'StopApplication') continue;
      if (finished?.has(action.app) === true) continue;
      if (stops.push(action.app) === MAX_BLOCKERS) break;
    }
    return stops;
  }
}

const dependsOn = (app: AppId, why: string | undefined): string =>
  `it depends on ${app}${why === undefined ? '' : `: ${why}`}`;

const isPresent = (instance: Instance): boolean =>
  !isTerminalCondition(instance.condition) &&
  instance.condition !== 'UnreachableInactive' &&
  !isDormant(instance);
