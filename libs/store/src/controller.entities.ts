import { Column, Entity, PrimaryColumn } from 'typeorm';
import type {
  App,
  Deployment,
  DeploymentEvent,
  Group,
  Instance,
  JobProgress,
  StoredCertificate,
  TaskFailure,
} from '#core';

/**
 * Rows of schema `controller`. Apps and groups are valid from a revision up to, and not including, another; the current
 * ones have no end. Documents are `json`, not `jsonb`: order and every escape come back as they were written.
 */
@Entity({ schema: 'controller', name: 'revision' })
export class RevisionRow {
  @PrimaryColumn('bigint') revision!: number;
  @Column('text') version!: string;
}

@Entity({ schema: 'controller', name: 'app' })
export class AppRow {
  @PrimaryColumn('text') id!: string;
  @PrimaryColumn('bigint', { name: 'from_revision' }) fromRevision!: number;
  @Column('bigint', { name: 'to_revision', nullable: true }) toRevision!: number | null;
  @Column('text') version!: string;
  @Column('json') definition!: App;
}

@Entity({ schema: 'controller', name: 'app_group' })
export class GroupRow {
  @PrimaryColumn('text') id!: string;
  @PrimaryColumn('bigint', { name: 'from_revision' }) fromRevision!: number;
  @Column('bigint', { name: 'to_revision', nullable: true }) toRevision!: number | null;
  @Column('json') definition!: Group;
}

@Entity({ schema: 'controller', name: 'instance' })
export class InstanceRow {
  @PrimaryColumn('text') id!: string;
  @Column('text', { name: 'app_id' }) appId!: string;
  @Column('json') body!: Instance;
}

@Entity({ schema: 'controller', name: 'deployment' })
export class DeploymentRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') state!: string;
  @Column('bigint', { name: 'original_revision' }) originalRevision!: number;
  @Column('bigint', { name: 'target_revision' }) targetRevision!: number;
  @Column('bigint', { name: 'finished_at_ms', nullable: true }) finishedAtMs!: number | null;
  @Column('json') body!: Deployment;
}

/** One event of a deployment; in the place after the last one kept, how many were left out. */
@Entity({ schema: 'controller', name: 'deployment_event' })
export class DeploymentEventRow {
  @PrimaryColumn('text', { name: 'deployment_id' }) deploymentId!: string;
  @PrimaryColumn('integer') position!: number;
  @Column('json') body!: DeploymentEvent | { readonly omitted: number };
}

@Entity({ schema: 'controller', name: 'task_failure' })
export class TaskFailureRow {
  @PrimaryColumn('text', { name: 'app_id' }) appId!: string;
  @Column('json') body!: TaskFailure;
}

/** Of apps that run to completion. Goes with its app. */
@Entity({ schema: 'controller', name: 'job' })
export class JobRow {
  @PrimaryColumn('text', { name: 'app_id' }) appId!: string;
  @Column('json') body!: JobProgress;
}

/** For the edge, with its key. */
@Entity({ schema: 'controller', name: 'certificate' })
export class CertificateRow {
  @PrimaryColumn('text') name!: string;
  @Column('json') body!: StoredCertificate;
}

/** Single values: `framework-id`, `dropped-event-id` (the highest event id dropped so far). */
@Entity({ schema: 'controller', name: 'setting' })
export class ControllerSettingRow {
  @PrimaryColumn('text') name!: string;
  @Column('text') value!: string;
}

/** Partitioned by id, so that old events are dropped and not deleted. */
@Entity({ schema: 'controller', name: 'event' })
export class EventRow {
  @PrimaryColumn('bigint') id!: number;
  @Column('text') type!: string;
  @Column('bigint', { name: 'timestamp_ms' }) timestampMs!: number;
  @Column('text') payload!: string;
}
