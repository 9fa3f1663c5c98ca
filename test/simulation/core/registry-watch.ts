import type { MasterEffect, MasterEvent, MasterState } from '#cluster';
import { agentId, roleName } from '#core';
import type { FakeLeaseKeeper } from '../../support/fake-lease-keeper.js';
import type { FakeMasterRegistry } from '../../support/fake-master-registry.js';
import type { World } from '../world.js';
import type { LifeWatch, WatchedTurn } from './life-watch.js';

const NOT_STORED = 'not at all';

/** Whom a call is about, and what the registry has to hold when it is answered. */
interface About {
  readonly of: 'framework' | 'agent' | 'quota' | 'activation';
  readonly id: string;
}

/** What a master says, the registry holds before: checked when it is said, while its epoch stands. */
export class RegistryWatch implements LifeWatch {
  /** Whom a call that waits for the registry is about. */
  private readonly calls = new Map<string, About>();

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly registry: FakeMasterRegistry;
      readonly leases: FakeLeaseKeeper;
    },
  ) {}

  /** What earlier masters were told still holds. */
  after({ state, event }: WatchedTurn): void {
    if (event.kind !== 'recover') return;
    const stored = [...this.parts.registry.stored.quotas.keys()];
    const isKnown = stored.every((role) => state.operator.quotas.has(role));
    if (!isKnown) this.parts.world.violate(`a new master does not know all quotas of ${stored}`);
  }

  before(_state: MasterState, event: MasterEvent): void {
    if (event.kind === 'scheduler-call' && event.call.type === 'TEARDOWN') {
      this.calls.set(event.callId, { of: 'framework', id: event.call.framework_id.value });
    }
    if (event.kind !== 'operator-call') return;
    const { call, callId } = event;
    if (call.type === 'UPDATE_QUOTA') {
      for (const { role, guarantees, limits } of call.update_quota.quota_configs) {
        if (guarantees !== undefined || limits !== undefined) {
          this.calls.set(callId, { of: 'quota', id: role });
        }
      }
    }
    if (call.type === 'DEACTIVATE_AGENT') {
      this.calls.set(callId, { of: 'activation', id: call.deactivate_agent.agent_id.value });
    }
    if (call.type === 'TEARDOWN') {
      this.calls.set(callId, { of: 'framework', id: call.teardown.framework_id.value });
    }
    if (call.type === 'MARK_AGENT_GONE') {
      this.calls.set(callId, { of: 'agent', id: call.mark_agent_gone.agent_id.value });
    }
  }

  effect(state: MasterState, effect: MasterEffect): void {
    if (this.parts.leases.epochOf('master') !== state.epoch) return;
    switch (effect.kind) {
      case 'send-to-framework':
        this.toldFramework(effect.event);
        return;
      case 'send-to-agent':
        this.toldAgent(state, effect);
        return;
      case 'answer-call':
        this.answered(effect.callId, effect.status);
        return;
      default:
        return;
    }
  }

  private toldFramework(
    event: Extract<MasterEffect, { readonly kind: 'send-to-framework' }>['event'],
  ): void {
    if (event.type === 'SUBSCRIBED') {
      this.expectFramework(event.subscribed.framework_id.value, ['registered', 'completed']);
    }
    // With an executor it is the end of that one, not of the agent.
    const isOfExecutor = event.type === 'FAILURE' && event.failure.executor_id !== undefined;
    if (event.type === 'FAILURE' && event.failure.agent_id !== undefined && !isOfExecutor) {
      // One whose place another one has taken is forgotten.
      this.expectAgent(event.failure.agent_id.value, ['unreachable', 'gone', NOT_STORED]);
    }
    if (event.type !== 'UPDATE') return;
    const { status } = event.update;
    if (status.source !== 'SOURCE_MASTER' || status.reason === 'REASON_RECONCILIATION') return;
    const id = status.agent_id?.value ?? '';
    if (status.state === 'TASK_UNREACHABLE') this.expectAgent(id, ['unreachable']);
    if (status.state === 'TASK_GONE_BY_OPERATOR') this.expectAgent(id, ['gone']);
  }

  private toldAgent(
    state: MasterState,
    { message, streamId }: Extract<MasterEffect, { readonly kind: 'send-to-agent' }>,
  ): void {
    if (message.type === 'SUBSCRIBED') {
      this.expectAgent(message.subscribed.agent_id.value, ['admitted', 'gone']);
    }
    if (message.type === 'SHUTDOWN_FRAMEWORK') {
      this.expectFramework(message.shutdown_framework.framework_id.value, ['completed']);
    }
    const agent = state.agentStreams.get(streamId);
    if (message.type === 'SHUTDOWN' && agent !== undefined) this.expectAgent(agent.id, ['gone']);
  }

  private answered(callId: string, status: number): void {
    const about = this.calls.get(callId);
    this.calls.delete(callId);
    if (about === undefined || status >= 300) return;
    const { world, registry } = this.parts;
    const { quotas, activations } = registry.stored;
    switch (about.of) {
      case 'framework':
        this.expectFramework(about.id, ['completed']);
        return;
      case 'agent':
        this.expectAgent(about.id, ['gone']);
        return;
      case 'quota':
        if (!quotas.has(roleName(about.id))) world.violate(`no quota of ${about.id} is stored`);
        return;
      case 'activation':
        if (!activations.has(agentId(about.id))) {
          world.violate(`${about.id} is deactivated, and the registry does not know`);
        }
        return;
      default:
        about.of satisfies never;
    }
  }

  private expectFramework(id: string, states: readonly string[]): void {
    const stored = this.parts.registry.stored.frameworks.get(id)?.state ?? NOT_STORED;
    if (states.includes(stored)) return;
    this.parts.world.violate(
      `framework ${id} is taken for ${states.join(' or ')}; the registry has it ${stored}`,
    );
  }

  private expectAgent(id: string, states: readonly string[]): void {
    const stored = this.parts.registry.stored.agents.get(id)?.state ?? NOT_STORED;
    if (states.includes(stored)) return;
    this.parts.world.violate(
      `agent ${id} is taken for ${states.join(' or ')}; the registry has it ${stored}`,
    );
  }
}
