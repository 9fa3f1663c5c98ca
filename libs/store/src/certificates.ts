import type { StoredCertificate } from '#core';
import type { FoldedChanges } from './fold-changes.js';
import type { Sql } from './sql.js';

/** Those that are stored, in order of name. */
export async function readCertificates(sql: Sql): Promise<readonly StoredCertificate[]> {
  const { rows } = await sql<{ readonly body: StoredCertificate }>(
    'SELECT body FROM controller.certificate ORDER BY name',
  );
  return rows.map(({ body }) => body);
}

/** Certificates are rare: they are written beside the one call that writes everything else, in its transaction. */
export async function writeCertificates(
  sql: Sql,
  { certificates, deleteCertificates }: FoldedChanges,
): Promise<void> {
  if (deleteCertificates.length > 0) {
    await sql('DELETE FROM controller.certificate WHERE name = ANY($1)', [deleteCertificates]);
  }
  for (const certificate of certificates) {
    await sql(
      `INSERT INTO controller.certificate (name, body) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET body = excluded.body`,
      [certificate.name, JSON.stringify(certificate)],
    );
  }
}
