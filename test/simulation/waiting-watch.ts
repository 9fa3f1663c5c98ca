import type { ControllerNode } from './controller-node.js';
import { isHeld } from './deployment-watch.js';
import type { Observer } from './observer.js';
import type { World } from './world.js';

/** A deployment may stand in one step without a word for so long: it has just begun, or is about to end. */
const SILENT_MS = 10_000;

/** When nothing fails any more, a deployment that has not ended says what it waits for. */
export class WaitingWatch {
  private readonly silentSinceMs = new Map<string, number>();

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly observer: Observer;
      readonly controllers: readonly ControllerNode[];
    },
  ) {}

  look(): void {
    const { world, observer, controllers } = this.parts;
    const engine = controllers.find(({ isLeader }) => isLeader)?.engine;
    if (engine === undefined) return;
    const words = new Map(
      engine.view.deployments().map(({ deployment, waitingFor }) => [deployment.id, waitingFor]),
    );
    for (const deployment of observer.stored.running()) {
      const key = `${deployment.id} ${deployment.currentStep}`;
      const isNamed = isHeld(deployment) || (words.get(deployment.id) ?? []).length > 0;
      const sinceMs = isNamed ? undefined : (this.silentSinceMs.get(key) ?? world.nowMs);
      if (sinceMs === undefined) this.silentSinceMs.delete(key);
      else this.silentSinceMs.set(key, sinceMs);
      if (sinceMs === undefined || world.nowMs - sinceMs < SILENT_MS) continue;
      world.violate(
        `deployment ${deployment.id} waits in step ${deployment.currentStep} and does not say for what`,
      );
    }
  }
}
