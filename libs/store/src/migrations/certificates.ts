import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Certificates for the edge, with their keys. */
export class Certificates1764633600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE controller.certificate (name text PRIMARY KEY, body json NOT NULL)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE controller.certificate');
  }
}
