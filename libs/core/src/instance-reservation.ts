/** A persistent volume of an instance. */
export interface LocalVolume {
  readonly containerPath: string;
  readonly uuid: string;
  /** Its name in the cluster: `<safePath>#<containerPath>#<uuid>`. */
  readonly persistenceId: string;
  readonly sizeMib: number;
}

/**
 * What an agent holds for one instance alone, its volumes with it; in the cluster it is labelled with the framework and
 * the instance. An instance that has one is resident: it is launched again under its id, where its volumes are.
 */
export interface InstanceReservation {
  readonly role: string;
  /** The framework of its label: another one that takes over finds it by that. */
  readonly frameworkId: string;
  readonly volumes: readonly LocalVolume[];
  /** Its agent is known to have it: it was offered, or a task was launched on it. Before that it may never have been made. */
  readonly isConfirmed: boolean;
  /** Its task is being ended for a new one: with that end its goal is Running again. */
  readonly isComingBack?: true;
  /**
   * When the master took it that all of it is given back, Unix ms. Its agent may not hear of it, so what it offers is
   * compared for a while; nothing else knows of the instance any more.
   */
  readonly releasedAtEpochMs?: number;
}
