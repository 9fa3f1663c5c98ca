import type { App } from '#core';
import type { Report } from './rule-report.js';

const MIGRATION_VERSION = 'DCOS_MIGRATION_API_VERSION';
const MIGRATION_NEEDS = ['DCOS_PACKAGE_FRAMEWORK_NAME', 'DCOS_MIGRATION_API_PATH'] as const;

/** Labels that mean something by themselves: who names the version of the migration API has to say where it is. */
export function validateLabels(labels: App['labels'], report: Report): void {
  const version = labels[MIGRATION_VERSION] ?? '';
  if (version === '') return;
  if (version !== 'v1') {
    report(`/labels/${MIGRATION_VERSION}`, `'${version}' is not supported: use v1`);
  }
  for (const name of MIGRATION_NEEDS) {
    if ((labels[name] ?? '') === '') {
      report(`/labels/${name}`, `must be given together with ${MIGRATION_VERSION}`);
    }
  }
}
