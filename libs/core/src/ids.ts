/** Branded ids: one cannot be passed where another is expected. They are plain strings at run time. */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

/** Absolute app path such as `/shop/web`. */
export type AppId = Id<'AppId'>;
/** Absolute group path; the root group is `/`. */
export type GroupId = Id<'GroupId'>;
/** Controller-side id of one instance: `<safePath>.instance-<uuid>`. */
export type InstanceId = Id<'InstanceId'>;
/** Cluster-side id of one launch of an instance: `<instanceId>._app.<incarnation>`, of a pod `<instanceId>.<container>.<incarnation>`. */
export type TaskId = Id<'TaskId'>;
/** One run of a task on its agent, see `runKey`; the only name by which an agent and its launchers know it. */
export type RunKey = Id<'RunKey'>;
export type OfferId = Id<'OfferId'>;
export type AgentId = Id<'AgentId'>;
export type FrameworkId = Id<'FrameworkId'>;
export type DeploymentId = Id<'DeploymentId'>;
/** A role path; `*` is the default role. */
export type RoleName = Id<'RoleName'>;

export const appId = (text: string): AppId => text as AppId;
export const groupId = (text: string): GroupId => text as GroupId;
export const instanceId = (text: string): InstanceId => text as InstanceId;
export const taskId = (text: string): TaskId => text as TaskId;
export const offerId = (text: string): OfferId => text as OfferId;
export const agentId = (text: string): AgentId => text as AgentId;
export const frameworkId = (text: string): FrameworkId => text as FrameworkId;
export const deploymentId = (text: string): DeploymentId => text as DeploymentId;
export const roleName = (text: string): RoleName => text as RoleName;
