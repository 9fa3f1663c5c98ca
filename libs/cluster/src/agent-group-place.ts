import type { RunKey } from '#core';
import type { ExecutorInfo, LaunchId } from '#mesos-v1';

/** What a task is a member of. */
export interface GroupPlace {
  /** The executor's run; its folder and its network go by this key. */
  readonly executor: RunKey;
  readonly executorId: string;
  /** Of the launch that started the executor: tells it from another one of this id. */
  readonly executorLaunchId?: LaunchId;
  /** The launch: members with the same one end together. */
  readonly fate: RunKey;
  /** All members of that launch. */
  readonly members: readonly RunKey[];
  /** Its containers are in a network of their own, not in the host's. */
  readonly hasNetwork: boolean;
}

/** A directory of the member's own sandbox or of its group's, and where the member has it. */
export interface SandboxVolume {
  readonly scope: 'SELF' | 'PARENT';
  /** Relative, without `..`. */
  readonly path: string;
  /** As it was given; relative to the sandbox when it does not begin with `/`. */
  readonly containerPath: string;
  readonly mode: 'RO' | 'RW';
}

/** The sandbox of a member: it is in that of its executor. */
export interface MemberFolder {
  readonly executor: RunKey;
  readonly taskId: string;
  readonly volumes: readonly SandboxVolume[];
  /** Whether it sees the volumes by links: it has no container to mount them in. */
  readonly isLinked: boolean;
}

/** The place of a group's members, as the record of the group has it. */
export const placeOf = (
  group: {
    readonly executor: RunKey;
    readonly run: RunKey;
    readonly members: readonly { readonly run: RunKey }[];
    readonly executorLaunchId?: LaunchId;
  },
  info: ExecutorInfo | undefined,
): GroupPlace => ({
  executor: group.executor,
  executorId: info?.executor_id.value ?? '',
  ...(group.executorLaunchId === undefined ? {} : { executorLaunchId: group.executorLaunchId }),
  fate: group.run,
  members: group.members.map(({ run }) => run),
  hasNetwork: (info?.container?.network_infos ?? []).length > 0,
});

/** For what is made of a member. */
export const groupOf = ({
  group,
}: {
  readonly group?: GroupPlace;
}): { readonly group?: GroupPlace } => (group === undefined ? {} : { group });

/** For what looks for the sandbox of a member. */
export const executorOfGroup = ({
  group,
}: {
  readonly group?: GroupPlace;
}): { readonly executor?: RunKey } => (group === undefined ? {} : { executor: group.executor });
