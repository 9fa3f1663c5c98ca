const CONNECT_TIMEOUT_MS = 2_000;

/** Whether a server accepts a connection with these credentials and answers a query. */
export async function answersQueries(url: string): Promise<boolean> {
  const { Client } = await import('pg');
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  // A server that dies under a connection reports it here too; the result below says it all.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
