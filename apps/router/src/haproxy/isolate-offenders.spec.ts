import { describe, expect, it } from 'vitest';
import type { EdgeModel } from '#routing';
import { sampleRoute } from '../../../../test/support/edge-samples.js';
import { isolateOffenders } from './isolate-offenders.js';

const routes = Array.from({ length: 1_000 }, (_, number) =>
  sampleRoute({ appId: `/app-${number}`, backend: `app-${number}_10000`, vhosts: [`${number}.a`] }),
);
const saidOf = (proxy: string): string =>
  [
    '[NOTICE]   (7) : haproxy version is 2.6.12',
    "[WARNING]  (7) : config : proxy 'app-2_10000' has no server",
    `[ALERT]    (7) : config : unable to find server 'nobody' in proxy '${proxy}', referenced in a 'use-server' rule.`,
    '[ALERT]    (7) : config : Fatal errors found in configuration.',
  ].join('\n');

/** Refuses whatever has the route, and counts how often it is asked. */
function checkOf(offender: string, refusal: string) {
  let checks = 0;
  return {
    get checks(): number {
      return checks;
    },
    textOf: () => '',
    explainRefusal: async (model: EdgeModel) => {
      checks += 1;
      return model.structure.routes.some(({ backend }) => backend === offender)
        ? refusal
        : undefined;
    },
  };
}

describe('isolateOffenders', () => {
  it('asks first about the route whose proxy HAProxy names without a line', async () => {
    const said = saidOf('app-417_10000');
    const check = checkOf('app-417_10000', said);

    const [offender, ...others] = await isolateOffenders(check, routes, said);

    expect(others).toEqual([]);
    expect(offender?.route.appId).toBe('/app-417');
    expect(offender?.reason).toContain("unable to find server 'nobody'");
    expect(check.checks).toBe(1);
  });

  it('believes no name: who is only mentioned stays', async () => {
    const said = saidOf('app-5_10000');

    const found = await isolateOffenders(checkOf('app-417_10000', said), routes, said);

    expect(found.map(({ route }) => route.appId)).toEqual(['/app-417']);
  });
});
