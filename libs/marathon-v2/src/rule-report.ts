/** Reports a violated rule at a field of the app: `/cpus`, or `/` for the app as a whole. */
export type Report = (field: string, error: string) => void;

/** `from..to`, both included. An absent value is fine. */
export function checkRange(
  value: number | undefined,
  range: { readonly from: number; readonly to: number },
  field: string,
  report: Report,
): void {
  if (value === undefined) return;
  if (value < range.from) report(field, `${value} is below the minimum ${range.from}`);
  if (value > range.to) report(field, `${value} is above the maximum ${range.to}`);
}

/** Reports the second and later occurrences by index; a place in the list may have none or several values. */
export function checkUnique(
  values: readonly (string | readonly string[])[],
  field: string,
  report: Report,
  what = 'value',
): void {
  const seen = new Set<string>();
  values.forEach((given, index) => {
    for (const value of typeof given === 'string' ? [given] : given) {
      if (seen.has(value)) report(`${field}(${index})`, `${what} '${value}' is given twice`);
      seen.add(value);
    }
  });
}

const MAX_PORT = 65_535;

/** 0 to 65535. */
export function checkPort(port: number | undefined, path: string, report: Report): void {
  if (port === undefined || (port >= 0 && port <= MAX_PORT)) return;
  report(path, `${port} is not a port: it must be from 0 to ${MAX_PORT}`);
}

const PORT_NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** Port names: DNS labels, each once. */
export function checkPortNames(
  names: readonly (string | undefined)[],
  field: string,
  report: Report,
): void {
  const seen = new Set<string>();
  names.forEach((name, index) => {
    if (name === undefined) return;
    const path = `${field}(${index})/name`;
    if (!PORT_NAME.test(name)) {
      report(path, `'${name}' must hold lowercase letters, digits and inner hyphens only`);
    }
    if (seen.has(name)) report(path, `name '${name}' is given twice`);
    seen.add(name);
  });
}
