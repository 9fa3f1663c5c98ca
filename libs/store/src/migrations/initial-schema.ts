import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Leases, the controller's tables and the master's registry. */
export class InitialSchema1763683200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE pacer.lease (
        scope text PRIMARY KEY,
        epoch bigint NOT NULL,
        holder text NOT NULL,
        url text NOT NULL,
        expires_at timestamptz NOT NULL,
        -- Makes epoch a key column: only then does FOR KEY SHARE hold off a change of it.
        UNIQUE (scope, epoch)
      );

      CREATE SCHEMA controller;
      CREATE TABLE controller.revision (revision bigint PRIMARY KEY, version text NOT NULL);
      CREATE INDEX ON controller.revision (version);
      CREATE TABLE controller.app (
        id text NOT NULL,
        from_revision bigint NOT NULL,
        to_revision bigint,
        version text NOT NULL,
        definition json NOT NULL,
        PRIMARY KEY (id, from_revision)
      );
      CREATE UNIQUE INDEX app_current ON controller.app (id) WHERE to_revision IS NULL;
      CREATE INDEX ON controller.app (to_revision) WHERE to_revision IS NOT NULL;
      CREATE TABLE controller.app_group (
        id text NOT NULL,
        from_revision bigint NOT NULL,
        to_revision bigint,
        definition json NOT NULL,
        PRIMARY KEY (id, from_revision)
      );
      CREATE UNIQUE INDEX app_group_current ON controller.app_group (id) WHERE to_revision IS NULL;
      CREATE TABLE controller.instance (
        id text PRIMARY KEY,
        app_id text NOT NULL,
        body json NOT NULL
      ) WITH (fillfactor = 70);
      CREATE TABLE controller.deployment (
        id text PRIMARY KEY,
        state text NOT NULL,
        original_revision bigint NOT NULL,
        target_revision bigint NOT NULL,
        finished_at_ms bigint,
        body json NOT NULL
      );
      CREATE INDEX ON controller.deployment (id) WHERE state = 'Running';
      CREATE INDEX ON controller.deployment (finished_at_ms) WHERE state <> 'Running';
      CREATE TABLE controller.task_failure (app_id text PRIMARY KEY, body json NOT NULL);
      CREATE TABLE controller.setting (name text PRIMARY KEY, value text NOT NULL);
      CREATE TABLE controller.event (
        id bigint PRIMARY KEY,
        type text NOT NULL,
        timestamp_ms bigint NOT NULL,
        payload text NOT NULL
      ) PARTITION BY RANGE (id);

      CREATE SCHEMA master;
      CREATE TABLE master.setting (name text PRIMARY KEY, value text NOT NULL);
      CREATE TABLE master.agent (
        id text PRIMARY KEY,
        state text NOT NULL,
        hostname text NOT NULL,
        info json NOT NULL,
        since_ms bigint NOT NULL
      );
      CREATE TABLE master.framework (
        id text PRIMARY KEY,
        state text NOT NULL,
        info json NOT NULL,
        failover_deadline_ms bigint,
        since_ms bigint NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP SCHEMA master CASCADE; DROP SCHEMA controller CASCADE; DROP TABLE pacer.lease',
    );
  }
}
