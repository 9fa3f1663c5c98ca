import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFAULT_PORTS } from './cluster-plan.js';
import { renderWelcome } from './welcome.js';

const cluster = {
  plans: [],
  edgeHost: '127.0.0.1',
  dnsHost: '127.0.0.1',
  dnsDomain: 'pacer',
  ports: DEFAULT_PORTS,
  keepTasks: false,
  edgeProblem: undefined,
  dnsProblem: undefined,
};

it('names the edge', () => {
  expect(renderWelcome(cluster)).toContain('  edge         http://127.0.0.1:8000 ');
  expect(renderWelcome(cluster)).toContain('http://hello.localhost:8000/');
});

it('promises no edge where there is none', () => {
  const text = renderWelcome({ ...cluster, edgeProblem: 'HAProxy is missing' });

  expect(text).toContain('no edge: HAProxy is missing');
  expect(text).not.toContain(':8000');
});

it('names DNS, or says why there is none', () => {
  const dnsProblem = 'port 8053 is used by another program';

  expect(renderWelcome(cluster)).toContain('  DNS          127.0.0.1:8053 (UDP and TCP)');
  expect(renderWelcome({ ...cluster, dnsProblem })).toContain(
    `  DNS          no names: ${dnsProblem}`,
  );
  expect(renderWelcome({ ...cluster, dnsHost: undefined })).toContain(
    '  DNS          off (PACER_DNS)',
  );
});

it('deploys the app of the README, in one line', () => {
  const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
  const [, documented = ''] = /^curl -X POST [^']*'[^']*' -d '([^']*)'$/m.exec(readme) ?? [];
  const [, printed = ''] = /^ {2}curl -X POST .* -d '(.*)'$/m.exec(renderWelcome(cluster)) ?? [];

  expect(JSON.parse(printed)).toEqual(JSON.parse(documented));
});
