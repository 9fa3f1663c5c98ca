import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far apps that run to completion have come. */
export class ControllerJobs1764374400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE controller.job (app_id text PRIMARY KEY, body json NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE controller.job');
  }
}
