import type { WireDeploymentAction, WireHealthCheck } from './wire-app.js';

interface WirePlan {
  readonly id: string;
  readonly version: string;
  readonly steps: readonly { readonly actions: readonly WireDeploymentAction[] }[];
}
interface WireCurrentStep {
  readonly actions: readonly WireDeploymentAction[];
}

/**
 * Events of /v2/events without `timestamp`, which is added when the event gets its id. `draining_changed_event`,
 * `certificate_changed_event`, `resync` and what tells of a deployment that is held are ours; the rest are Marathon's, field by field.
 */
export type MarathonEvent =
  | {
      readonly eventType: 'api_post_event';
      readonly clientIp: string;
      readonly uri: string;
      /** Ours: who asked, where credentials are asked for. */
      readonly by?: string;
      readonly appDefinition: Readonly<Record<string, unknown>>;
    }
  | {
      readonly eventType: 'pod_created_event' | 'pod_updated_event' | 'pod_deleted_event';
      readonly clientIp: string;
      readonly uri: string;
      /** Ours: who asked, where credentials are asked for. */
      readonly by?: string;
    }
  | {
      readonly eventType: 'status_update_event';
      readonly slaveId: string;
      readonly taskId: string;
      readonly taskStatus: string;
      readonly message: string;
      readonly appId: string;
      readonly host: string;
      readonly ipAddresses: readonly { readonly ipAddress: string; readonly protocol: string }[];
      readonly ports: readonly number[];
      readonly version: string;
    }
  | {
      readonly eventType: 'instance_changed_event';
      readonly instanceId: string;
      readonly condition: string;
      readonly runSpecId: string;
      readonly agentId: string;
      readonly host: string;
      readonly runSpecVersion: string;
    }
  | {
      readonly eventType: 'instance_health_changed_event';
      readonly instanceId: string;
      readonly runSpecId: string;
      readonly healthy: boolean | null;
      readonly runSpecVersion: string;
    }
  | {
      readonly eventType: 'health_status_changed_event';
      readonly appId: string;
      readonly instanceId: string;
      readonly version: string;
      readonly alive: boolean;
    }
  | {
      readonly eventType: 'failed_health_check_event';
      readonly appId: string;
      readonly taskId: string;
      readonly healthCheck: WireHealthCheck;
    }
  | {
      readonly eventType: 'add_health_check_event';
      readonly appId: string;
      readonly version: string;
      readonly healthCheck: WireHealthCheck;
    }
  | { readonly eventType: 'remove_health_check_event'; readonly appId: string }
  | {
      readonly eventType: 'unhealthy_instance_kill_event';
      readonly appId: string;
      readonly taskId: string;
      readonly instanceId: string;
      readonly version: string;
      readonly reason: string;
      readonly host: string;
      readonly slaveId: string;
    }
  | {
      readonly eventType: 'unknown_instance_terminated_event';
      readonly instanceId: string;
      readonly runSpecId: string;
      readonly condition: string;
    }
  | {
      readonly eventType: 'draining_changed_event';
      readonly appId: string;
      readonly taskId: string;
      readonly since: string;
      readonly deadline: string;
    }
  | {
      readonly eventType: 'certificate_changed_event';
      readonly name: string;
      readonly hosts: readonly string[];
      readonly notAfter: string;
      readonly fingerprint: string;
      readonly deleted: boolean;
    }
  | {
      readonly eventType: 'group_change_success';
      readonly groupId: string;
      readonly version: string;
    }
  | {
      readonly eventType: 'group_change_failed';
      readonly groupId: string;
      readonly version: string;
      readonly reason: string;
    }
  | {
      readonly eventType: 'deployment_info' | 'deployment_step_success' | 'deployment_step_failure';
      readonly plan: WirePlan;
      readonly currentStep: WireCurrentStep;
    }
  | { readonly eventType: 'deployment_success'; readonly id: string; readonly plan: WirePlan }
  | {
      readonly eventType: 'deployment_failed';
      readonly id: string;
      readonly plan: WirePlan;
      readonly reason: string;
    }
  | {
      readonly eventType:
        | 'deployment_paused'
        | 'deployment_resumed'
        | 'deployment_batch_done'
        | 'deployment_awaits_promotion'
        | 'deployment_promoted';
      readonly id: string;
      readonly plan: WirePlan;
      readonly reason?: string;
      readonly by?: string;
    }
  | { readonly eventType: 'app_terminated_event'; readonly appId: string }
  | {
      readonly eventType: 'scheduler_registered_event';
      readonly frameworkId: string;
      readonly master: string;
    }
  | { readonly eventType: 'scheduler_reregistered_event'; readonly master: string }
  | { readonly eventType: 'scheduler_disconnected_event' }
  | {
      readonly eventType: 'framework_message_event';
      readonly executorId: string;
      readonly slaveId: string;
      /** Base64. */
      readonly message: string;
    }
  | {
      readonly eventType: 'event_stream_attached' | 'event_stream_detached';
      readonly remoteAddress: string;
    };
