/** Section 7 of the contract: each complaint about correctness and usability has a test, named by its first report. */
import { describe } from 'vitest';
import { shownBy } from './shown-by.test-support.js';

const DEFECTS = 'apps/controller/src/engine/marathon-defects.spec.ts';

describe('Correctness', () => {
  shownBy('1481: apps locked by what is not seen', DEFECTS, "'1481: ");
  shownBy('829: deployments hang', DEFECTS, "'829: ");
  shownBy('1570: below the minimum', DEFECTS, "'1570: ");
  shownBy('754: an upgrade cannot use freed resources', DEFECTS, "'754: ");
  shownBy('3317: failed checks kill all', DEFECTS, "'3317: checks that all fail at once");
  shownBy('3317: unhealthy on a lost agent', DEFECTS, "'3317: an unhealthy instance");
  shownBy('1553: a fail-over kills', DEFECTS, "'1553: ");
  shownBy('761: lost agents', DEFECTS, "'761: ");
  shownBy('4046: a rollback ends with none', DEFECTS, "'4046: ");
  shownBy('2360: the same again restarts', DEFECTS, "'2360: ");
  shownBy('3814: dependencies', DEFECTS, "'3814: ");
  shownBy(
    '2878: the event stream through a standby',
    'apps/controller/src/runtime/leader-gate.spec.ts',
    "'2878: ",
  );
  shownBy('4797: 50,000 instances', 'libs/deployment/src/scaling.spec.ts', "'4797: ");
  shownBy('2868: service ports collide', 'libs/marathon-v2/src/never-throws.spec.ts', "'2868: ");
});

describe('Usability', () => {
  shownBy('1090: why an app waits', DEFECTS, "'1090: ");
  shownBy('1235: cryptic errors', 'apps/controller/src/marathon-usability.spec.ts', "'1235: ");
  shownBy('3945: edits restart everything', DEFECTS, "'3945: ");
  shownBy('4072: ended deployments disappear', DEFECTS, "'4072: ");
  shownBy('3954: deployments never fail', DEFECTS, "'3954: ");
  shownBy('3423: health kills as last failure', DEFECTS, "'3423: ");
  shownBy('689: the usual strategy with UNIQUE', DEFECTS, "'689: ");
});
