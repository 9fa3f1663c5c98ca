import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Rows of schema `master`. Running tasks are not among them: agents bring those back. */
@Entity({ schema: 'master', name: 'agent' })
export class AgentRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') state!: string;
  @Column('text') hostname!: string;
  @Column('json') info!: unknown;
  @Column('bigint', { name: 'since_ms' }) sinceMs!: number;
}

@Entity({ schema: 'master', name: 'framework' })
export class FrameworkRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') state!: string;
  @Column('json') info!: unknown;
  @Column('bigint', { name: 'failover_deadline_ms', nullable: true })
  failoverDeadlineMs!: number | null;
  @Column('bigint', { name: 'since_ms' }) sinceMs!: number;
}

/** Single values: `master-id`. */
@Entity({ schema: 'master', name: 'setting' })
export class MasterSettingRow {
  @PrimaryColumn('text') name!: string;
  @Column('text') value!: string;
}
