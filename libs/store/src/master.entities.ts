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

/** What an operator decided about an agent; no row: it is active. */
@Entity({ schema: 'master', name: 'agent_activation' })
export class AgentActivationRow {
  @PrimaryColumn('text') id!: string;
  @Column('boolean', { name: 'is_deactivated' }) isDeactivated!: boolean;
  @Column('json', { nullable: true }) drain!: unknown;
}

/** No row: 1. */
@Entity({ schema: 'master', name: 'role_weight' })
export class WeightRow {
  @PrimaryColumn('text') role!: string;
  @Column('double precision') weight!: number;
}

/** Amounts in thousandths by resource name. */
@Entity({ schema: 'master', name: 'role_quota' })
export class QuotaRow {
  @PrimaryColumn('text') role!: string;
  @Column('json') guarantees!: Readonly<Record<string, number>>;
  @Column('json') limits!: Readonly<Record<string, number>>;
}

/** Single values: `master-id`, and `maintenance` (JSON). */
@Entity({ schema: 'master', name: 'setting' })
export class MasterSettingRow {
  @PrimaryColumn('text') name!: string;
  @Column('text') value!: string;
}
