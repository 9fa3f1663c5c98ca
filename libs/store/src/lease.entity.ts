import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One row per scope. (scope, epoch) is unique too, so that a change of epoch waits for writers that hold it. */
@Entity({ schema: 'pacer', name: 'lease' })
export class LeaseRow {
  @PrimaryColumn('text') scope!: string;
  @Column('bigint') epoch!: number;
  @Column('text') holder!: string;
  @Column('text') url!: string;
  @Column('timestamptz', { name: 'expires_at' }) expiresAt!: Date;
}
