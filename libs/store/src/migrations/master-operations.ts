import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators decide: which agents are deactivated or drained, weights and quota. */
export class MasterOperations1764115200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Apart from master.agent: an agent that comes back writes its row, and must not undo a decision.
      CREATE TABLE master.agent_activation (
        id text PRIMARY KEY,
        is_deactivated boolean NOT NULL,
        drain json
      );
      CREATE TABLE master.role_weight (role text PRIMARY KEY, weight double precision NOT NULL);
      CREATE TABLE master.role_quota (
        role text PRIMARY KEY,
        guarantees json NOT NULL,
        limits json NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE master.agent_activation, master.role_weight, master.role_quota');
  }
}
