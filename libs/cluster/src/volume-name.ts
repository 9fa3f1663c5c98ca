/** A volume's directory is its role's, by its id: ids are unique within a role on an agent. */
export interface VolumeName {
  readonly role: string;
  readonly id: string;
}

/** A volume among the resources of a task or an executor. */
export interface TaskVolume extends VolumeName {
  /** Relative to the sandbox. */
  readonly containerPath: string;
  readonly mode: 'RO' | 'RW';
  readonly limitBytes: number;
}

/** What a checkpoint does to directories; a volume made and destroyed between two checkpoints is in neither. */
export interface VolumeChange {
  readonly make: readonly VolumeName[];
  readonly remove: readonly VolumeName[];
}
