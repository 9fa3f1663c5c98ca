import { expect, it } from 'vitest';
import { sampleEndpoint, sampleRoute } from '../../../../test/support/edge-samples.js';
import { RefusedRoutes } from './refused-routes.js';

const good = sampleRoute({ endpoints: [sampleEndpoint(1)] });
const bad = sampleRoute({ vhosts: ['bad.example'], endpoints: [sampleEndpoint(2)] });

it('leaves out what was refused, and says so', () => {
  const refused = new RefusedRoutes();
  refused.noteRefused([bad], 'unknown keyword');

  expect(refused.admit(bad)).toMatchObject({
    route: undefined,
    refusal: { kind: 'refused', appId: '/web', reason: expect.stringContaining('left out') },
  });
  expect(refused.admit(good)).toEqual({ route: good });
});

it('keeps the form that was served before, with the instances of now', () => {
  const refused = new RefusedRoutes();
  refused.noteServed([good]);
  refused.noteRefused([bad], 'unknown keyword');

  const { route, refusal } = refused.admit(bad);

  expect(route).toEqual({ ...good, endpoints: bad.endpoints });
  expect(refusal?.reason).toContain('served as it was before');
});

it('tries what was refused again after five minutes', () => {
  let nowMs = 0;
  const refused = new RefusedRoutes(() => nowMs);
  refused.noteRefused([bad], 'no such file');
  nowMs = 300_001;

  expect(refused.admit(bad)).toEqual({ route: bad });
});

it('leaves out what cannot be written, before HAProxy is asked', () => {
  const certificates = Array.from({ length: 40 }, (_, index) => `certificate-${index}`);
  const endless = sampleRoute({ listener: { port: 1, options: [], certificates } });

  expect(new RefusedRoutes().admit(endless)).toMatchObject({
    route: undefined,
    refusal: { reason: expect.stringContaining('64') },
  });
});

it('does not go back to a form that is refused itself', () => {
  const refused = new RefusedRoutes();
  refused.noteServed([good]);
  refused.noteRefused([good], 'unable to load a certificate');

  expect(refused.admit(good).route).toBeUndefined();
});
