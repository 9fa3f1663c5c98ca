import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type EdgeModel, renderStructure, toEdgeModel } from '#routing';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { Generations } from './generations.js';

const modelArbitrary: fc.Arbitrary<EdgeModel> = fc
  .uniqueArray(
    fc.record({
      backend: fc.constantFrom('a_1', 'b_2', 'c_3'),
      sticky: fc.boolean(),
      vhosts: fc.subarray(['a.example', 'b.example']),
      endpoints: fc.subarray([sampleEndpoint(1), sampleEndpoint(2, 'draining')]),
    }),
    { selector: ({ backend }) => backend },
  )
  .map((routes) =>
    toEdgeModel({ routes: routes.map((route) => sampleRoute(route)), conflicts: [] }),
  );

it('has one name for each structure, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(modelArbitrary, { minLength: 2, maxLength: 5 }), (models) => {
      const generations = new Generations(sampleSettings);
      const names = models.map((model) => generations.of(model));
      const texts = models.map((model) => renderStructure(model, sampleSettings));

      for (const [index, text] of texts.entries()) {
        expect(names[0] === names[index]).toBe(texts[0] === text);
      }
    }),
  );
});

it('has another name once there is a certificate for unknown names', () => {
  let hasDefaultCertificate = false;
  const settings = {
    ...sampleSettings,
    get tls() {
      return { port: 8443, certificateList: '/run/list', hasDefaultCertificate };
    },
  };
  const generations = new Generations(settings);
  const model = toEdgeModel({ routes: [], conflicts: [] });
  const before = generations.of(model);

  hasDefaultCertificate = true;

  expect(generations.of(model)).not.toBe(before);
});
