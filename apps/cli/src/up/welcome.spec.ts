import { expect, it } from 'vitest';
import { DEFAULT_PORTS } from './cluster-plan.js';
import { renderWelcome } from './welcome.js';

const cluster = {
  plans: [],
  edgeHost: '127.0.0.1',
  ports: DEFAULT_PORTS,
  keepTasks: false,
  edgeProblem: undefined,
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
