import type { MigrationInterface, QueryRunner } from 'typeorm';
import { WriteChanges1764460800000 } from './write-changes.js';

/**
 * `write_changes` again, with documents as one JSON array each, which need no escaping, and every row found by its key.
 * A session keeps the plans it made while its tables were small, so none may be made by their size: ends of definitions
 * are written one by one, as a join would read all of the index of current ones, and no plan scans a table.
 */
export class KeyedWrites1764547200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION controller.write_changes;
      CREATE FUNCTION controller.write_changes(
        lease_scope text, lease_epoch bigint, write_lock bigint,
        revisions bigint[] = NULL, revision_versions text[] = NULL,
        ended_apps text[] = NULL, ended_app_revisions bigint[] = NULL,
        app_ids text[] = NULL, app_froms bigint[] = NULL, app_tos bigint[] = NULL,
        app_versions text[] = NULL, app_definitions json = NULL,
        ended_groups text[] = NULL, ended_group_revisions bigint[] = NULL,
        group_ids text[] = NULL, group_froms bigint[] = NULL, group_tos bigint[] = NULL,
        group_definitions json = NULL,
        deleted_instances text[] = NULL,
        instance_ids text[] = NULL, instance_apps text[] = NULL, instance_bodies json = NULL,
        deployment_ids text[] = NULL, deployment_states text[] = NULL,
        deployment_originals bigint[] = NULL, deployment_targets bigint[] = NULL,
        deployment_ends bigint[] = NULL, deployment_bodies json = NULL,
        story_deployments text[] = NULL, story_positions integer[] = NULL, story_bodies json = NULL,
        failure_apps text[] = NULL, failure_bodies json = NULL,
        deleted_jobs text[] = NULL, job_apps text[] = NULL, job_bodies json = NULL,
        deleted_settings text[] = NULL, setting_names text[] = NULL, setting_values text[] = NULL,
        event_ids bigint[] = NULL, event_types text[] = NULL, event_times bigint[] = NULL,
        event_payloads json = NULL
      ) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $function$
      BEGIN
        PERFORM 1 FROM pacer.lease WHERE scope = lease_scope AND epoch = lease_epoch FOR KEY SHARE;
        IF NOT FOUND THEN RETURN false; END IF;
        PERFORM pg_advisory_xact_lock(write_lock);
        IF revisions IS NOT NULL THEN
          INSERT INTO controller.revision (revision, version)
            SELECT * FROM unnest(revisions, revision_versions)
            ON CONFLICT (revision) DO UPDATE SET version = excluded.version;
        END IF;
        IF ended_apps IS NOT NULL THEN
          FOR i IN 1..cardinality(ended_apps) LOOP
            UPDATE controller.app SET to_revision = ended_app_revisions[i]
              WHERE id = ended_apps[i] AND to_revision IS NULL AND from_revision < ended_app_revisions[i];
          END LOOP;
        END IF;
        IF app_ids IS NOT NULL THEN
          INSERT INTO controller.app (id, from_revision, to_revision, version, definition)
            SELECT * FROM ROWS FROM (
              unnest(app_ids, app_froms, app_tos, app_versions), json_array_elements(app_definitions))
            ON CONFLICT (id, from_revision) DO UPDATE
              SET version = excluded.version, definition = excluded.definition;
        END IF;
        IF ended_groups IS NOT NULL THEN
          FOR i IN 1..cardinality(ended_groups) LOOP
            UPDATE controller.app_group SET to_revision = ended_group_revisions[i]
              WHERE id = ended_groups[i] AND to_revision IS NULL AND from_revision < ended_group_revisions[i];
          END LOOP;
        END IF;
        IF group_ids IS NOT NULL THEN
          INSERT INTO controller.app_group (id, from_revision, to_revision, definition)
            SELECT * FROM ROWS FROM (
              unnest(group_ids, group_froms, group_tos), json_array_elements(group_definitions))
            ON CONFLICT (id, from_revision) DO UPDATE SET definition = excluded.definition;
        END IF;
        IF deleted_instances IS NOT NULL THEN
          DELETE FROM controller.instance WHERE id = ANY(deleted_instances);
        END IF;
        IF instance_ids IS NOT NULL THEN
          INSERT INTO controller.instance (id, app_id, body)
            SELECT * FROM ROWS FROM (
              unnest(instance_ids, instance_apps), json_array_elements(instance_bodies))
            ON CONFLICT (id) DO UPDATE SET body = excluded.body;
        END IF;
        IF deployment_ids IS NOT NULL THEN
          INSERT INTO controller.deployment
              (id, state, original_revision, target_revision, finished_at_ms, body)
            SELECT * FROM ROWS FROM (
              unnest(deployment_ids, deployment_states, deployment_originals, deployment_targets,
                deployment_ends),
              json_array_elements(deployment_bodies))
            ON CONFLICT (id) DO UPDATE SET state = excluded.state,
              original_revision = excluded.original_revision,
              target_revision = excluded.target_revision,
              finished_at_ms = excluded.finished_at_ms, body = excluded.body;
        END IF;
        IF story_deployments IS NOT NULL THEN
          INSERT INTO controller.deployment_event (deployment_id, position, body)
            SELECT * FROM ROWS FROM (
              unnest(story_deployments, story_positions), json_array_elements(story_bodies))
            ON CONFLICT (deployment_id, position) DO UPDATE SET body = excluded.body;
        END IF;
        IF failure_apps IS NOT NULL THEN
          INSERT INTO controller.task_failure (app_id, body)
            SELECT * FROM ROWS FROM (
              unnest(failure_apps), json_array_elements(failure_bodies))
            ON CONFLICT (app_id) DO UPDATE SET body = excluded.body;
        END IF;
        IF deleted_jobs IS NOT NULL THEN
          DELETE FROM controller.job WHERE app_id = ANY(deleted_jobs);
        END IF;
        IF job_apps IS NOT NULL THEN
          INSERT INTO controller.job (app_id, body)
            SELECT * FROM ROWS FROM (
              unnest(job_apps), json_array_elements(job_bodies))
            ON CONFLICT (app_id) DO UPDATE SET body = excluded.body;
        END IF;
        IF deleted_settings IS NOT NULL THEN
          DELETE FROM controller.setting WHERE name = ANY(deleted_settings);
        END IF;
        IF setting_names IS NOT NULL THEN
          INSERT INTO controller.setting (name, value)
            SELECT * FROM unnest(setting_names, setting_values)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value;
        END IF;
        IF event_ids IS NOT NULL THEN
          INSERT INTO controller.event (id, type, timestamp_ms, payload)
            SELECT * FROM ROWS FROM (
              unnest(event_ids, event_types, event_times), json_array_elements(event_payloads))
            ON CONFLICT (id) DO UPDATE SET type = excluded.type,
              timestamp_ms = excluded.timestamp_ms, payload = excluded.payload;
        END IF;
        RETURN true;
      END $function$
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION controller.write_changes');
    await new WriteChanges1764460800000().up(runner);
  }
}
