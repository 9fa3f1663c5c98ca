import { expect, it } from 'vitest';
import { parseProcesses } from './read-state.js';

it('reads master, workers and old workers with their uptime', () => {
  const answer = [
    '#<PID>          <type>          <reloads>       <uptime>        <version>      ',
    '6061            master          12 [failed: 3]  1d02h03m04s     2.6.12-1+deb12u4',
    '# workers',
    '6280            worker          0               0d00h00m07s     2.6.12-1+deb12u4',
    '# old workers',
    '6152            worker          1               0d00h01m07s     2.6.12-1+deb12u4',
    '6064            worker          2               0d01h00m00s     2.6.12-1+deb12u4',
    '# programs',
    '7000            worker          0               -               -',
  ].join('\n');

  expect(parseProcesses(answer)).toEqual({
    pid: 6061,
    reloads: 12,
    failedReloads: 3,
    workers: [
      { pid: 6280, uptimeSeconds: 7, isOld: false },
      { pid: 6152, uptimeSeconds: 67, isOld: true },
      { pid: 6064, uptimeSeconds: 3_600, isOld: true },
    ],
  });
});

it('reads an answer that is none as nothing', () => {
  expect(parseProcesses('nonsense')).toEqual({
    pid: undefined,
    reloads: 0,
    failedReloads: 0,
    workers: [],
  });
});
