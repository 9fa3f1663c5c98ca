/** Origin of a master given as `host`, `host:port` or URL. Throws TypeError for anything else. */
export function toMasterOrigin(text: string): string {
  const url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url.port === '' && url.protocol === 'http:' && !/:80(?:\/|$)/.test(text)) {
    url.port = String(DEFAULT_MASTER_PORT);
  }
  return url.origin;
}

/**
 * Where a redirect points: masters send `//host:port/path`, some send a URL or a bare `host:port`. Undefined when it
 * cannot be read.
 */
export function originOfLocation(location: string, from: string): string | undefined {
  const isBare = !location.includes('//');
  const text = isBare ? `//${location}` : location;
  return URL.canParse(text, from) ? new URL(text, from).origin : undefined;
}

const DEFAULT_MASTER_PORT = 5050;
