import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened in each deployment. It goes when its deployment does. */
export class DeploymentHistory1764288000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE controller.deployment_event (
        deployment_id text NOT NULL REFERENCES controller.deployment (id) ON DELETE CASCADE,
        -- From 0. The place after the last event kept holds how many more there were.
        position integer NOT NULL,
        body json NOT NULL,
        PRIMARY KEY (deployment_id, position)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE controller.deployment_event');
  }
}
