export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With origin and query. */
  readonly url: string;
  readonly body?: unknown;
}

/** The call as a command for a POSIX shell; nothing in the body can end the quotes. */
export function curlCommand(call: ApiCall): string {
  const parts = [`curl -fsS -X ${call.method} ${quote(call.url)}`];
  if (call.body !== undefined) {
    parts.push(`-H ${quote('content-type: application/json')}`);
    parts.push(`--data-binary ${quote(JSON.stringify(call.body, undefined, 2))}`);
  }
  return parts.join(' \\\n  ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
