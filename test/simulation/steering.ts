import type { Deployment, DeploymentId } from '#core';
import type { DeploymentCommand } from '../../apps/controller/src/engine/controller-engine.port.js';
import type { ControllerNode } from './controller-node.js';
import { askLeader } from './leader-client.js';
import type { Observer } from './observer.js';
import type { World } from './world.js';

/** Tells deployments to pause, go on and promote, and compares what is stored with what was answered. */
export class Steering {
  constructor(
    private readonly parts: {
      readonly world: World;
      readonly controllers: readonly ControllerNode[];
      readonly observer: Observer;
    },
  ) {}

  async pause(id: DeploymentId): Promise<void> {
    if (!(await this.tell(id, { kind: 'pause' }))) return;
    this.check(id, 'paused', (deployment) => deployment.pause !== undefined);
  }

  async resume(id: DeploymentId): Promise<void> {
    await this.tell(id, { kind: 'resume' });
  }

  /** Canaries that do not serve are left to wait. */
  async promote(id: DeploymentId): Promise<void> {
    if (!(await this.tell(id, { kind: 'promote', force: false }))) return;
    this.check(id, 'promoted', ({ progress = {} }) =>
      Object.values(progress).some(({ isPromoted }) => isPromoted === true),
    );
  }

  private async tell(id: DeploymentId, command: DeploymentCommand): Promise<boolean> {
    const { world, observer } = this.parts;
    world.trace.add('client', `${command.kind} ${id}`);
    observer.deploymentWatch.asked(id, command.kind);
    const outcome = await askLeader(this.parts, (node) =>
      node.engine?.steerDeployment(id, command),
    );
    world.trace.add('client', `${command.kind} ${id}: ${outcome?.kind ?? 'got no answer'}`);
    return outcome?.kind === 'done';
  }

  private check(id: DeploymentId, what: string, holds: (deployment: Deployment) => boolean): void {
    const { observer, world } = this.parts;
    const stored = observer.deployments.get(id);
    if (stored?.state !== 'Running' || holds(stored)) return;
    world.violate(`deployment ${id} was told to be ${what}, and is not stored so`);
  }
}
